// SPDX-License-Identifier: MIT
//
// The page at /: a photograph is dropped, and bars show what it is taken for.

let page = """
    <!DOCTYPE html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Which class is it?</title>
    <style>
      body { font: 16px system-ui, sans-serif; max-width: 36rem; margin: 2rem auto; padding: 0 1rem; }
      #drop { display: block; border: 2px dashed #888; border-radius: 8px; padding: 2rem;
              text-align: center; cursor: pointer; }
      #drop.over { border-color: #06c; background: #eef5ff; }
      #drop img { display: block; max-width: 100%; max-height: 16rem; margin: 0 auto 1rem; }
      .row { display: grid; grid-template-columns: 8rem 1fr 5rem; gap: .5rem; margin: .4rem 0; }
      .bar { background: #06c; border-radius: 3px; min-width: 1px; height: 1.2rem; }
      .share { text-align: right; }
      #error { color: #b00; }
    </style>
    <h1>Which class is it?</h1>
    <label id="drop"><span>Drop a photograph here, or choose one.</span>
      <input id="file" type="file" accept="image/jpeg,image/png" hidden></label>
    <p id="error" role="alert"></p>
    <div id="bars" aria-live="polite"></div>
    <script>
      const drop = document.getElementById("drop"), bars = document.getElementById("bars");
      const error = document.getElementById("error");
      let shown = null;
      async function ask(file) {
        error.textContent = "";
        bars.replaceChildren();
        if (shown) URL.revokeObjectURL(shown);
        shown = URL.createObjectURL(file);
        const image = document.createElement("img");
        image.alt = "The photograph";
        image.src = shown;
        drop.querySelector("img")?.remove();
        drop.prepend(image);
        try {
          const response = await fetch("/predict", { method: "POST", body: file });
          const answer = await response.json();
          if (!response.ok) throw new Error(answer.error);
          for (const { class: number, label, probability } of answer.predictions) {
            const row = document.createElement("div");
            row.className = "row";
            const name = document.createElement("span"), box = document.createElement("span");
            const bar = document.createElement("div"), share = document.createElement("span");
            name.textContent = label ?? number;
            bar.className = "bar";
            bar.style.width = `${100 * probability}%`;
            share.className = "share";
            share.textContent = `${(100 * probability).toFixed(1)} %`;
            box.append(bar);
            row.append(name, box, share);
            bars.append(row);
          }
        } catch (problem) {
          error.textContent = problem.message;
        }
      }
      document.getElementById("file").onchange = (event) => {
        if (event.target.files.length) ask(event.target.files[0]);
      };
      for (const kind of ["dragover", "dragleave", "drop"]) {
        document.addEventListener(kind, (event) => {
          event.preventDefault();
          drop.classList.toggle("over", kind === "dragover");
          if (kind === "drop" && event.dataTransfer.files.length) ask(event.dataTransfer.files[0]);
        });
      }
    </script>
    </html>

    """
