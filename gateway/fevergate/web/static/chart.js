"use strict";
/* Shows the figures of the bar or square that is pointed at, touched or reached by arrow keys. */
for (const plot of document.querySelectorAll(".plot")) {
  const parts = [...plot.querySelectorAll("g, a")].filter((part) => part.querySelector("title"));
  const output = plot.querySelector("output");
  let chosen = -1;
  const choose = (number) => {
    if (number < 0 || number >= parts.length || number === chosen) return;
    if (chosen >= 0) parts[chosen].classList.remove("chosen");
    chosen = number;
    parts[chosen].classList.add("chosen");
    output.textContent = parts[chosen].querySelector("title").textContent;
  };
  for (const event of ["pointerover", "pointerdown"])
    plot.addEventListener(event, ({ target }) => choose(parts.indexOf(target.closest("g, a"))));
  plot.tabIndex = 0;
  plot.addEventListener("keydown", (event) => {
    const last = parts.length - 1;
    const next = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: last }[event.key];
    if (next === undefined || event.target !== plot) return;
    event.preventDefault();
    choose(Math.max(0, Math.min(last, next)));
  });
}
