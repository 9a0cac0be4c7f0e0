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

/// `exp(x) − 1` without cancellation near 0.
package func exponentialLessOne(_ x: Double) -> Double { expm1(x) }

/// `log(1 + x)` without cancellation near 0.
package func logarithmOfOnePlus(_ x: Double) -> Double { log1p(x) }

/// The error function.
package func errorFunction(_ x: Double) -> Double { erf(x) }

/// The tangent of an angle in radians.
package func tangent(_ x: Double) -> Double { tan(x) }

/// The angle of a sine.
package func arcSine(_ x: Double) -> Double { asin(x) }

/// The angle of a cosine.
package func arcCosine(_ x: Double) -> Double { acos(x) }

/// The angle of a tangent.
package func arcTangent(_ x: Double) -> Double { atan(x) }

/// The hyperbolic sine.
package func hyperbolicSine(_ x: Double) -> Double { sinh(x) }

/// The hyperbolic cosine.
package func hyperbolicCosine(_ x: Double) -> Double { cosh(x) }

/// The area of a hyperbolic sine.
package func areaSine(_ x: Double) -> Double { asinh(x) }

/// The area of a hyperbolic cosine.
package func areaCosine(_ x: Double) -> Double { acosh(x) }

/// The area of a hyperbolic tangent.
package func areaTangent(_ x: Double) -> Double { atanh(x) }
