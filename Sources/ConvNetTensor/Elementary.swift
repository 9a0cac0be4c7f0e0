// SPDX-License-Identifier: MIT
//
// The C library's elementary functions, without importing all of Foundation for them.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The natural logarithm.
package func logarithm(_ x: Double) -> Double { log(x) }

/// The cosine of an angle in radians.
package func cosine(_ x: Double) -> Double { cos(x) }

/// The sine of an angle in radians.
package func sine(_ x: Double) -> Double { sin(x) }

/// `e` to the power of `x`.
package func exponential(_ x: Double) -> Double { exp(x) }

/// A number to the power of a whole number.
package func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }

/// A number above 0 to the power of another.
package func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// The hyperbolic tangent.
package func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
