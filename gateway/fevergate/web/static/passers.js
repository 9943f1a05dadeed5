"use strict";
/* Who tapped a card at this gate, for a minute or while its alarm burns. An event only says that it
   is others now: names come to this gate's board alone, and each look is noted. */
const passers = (() => {
  let mark = "";

  function show(people) {
    const list = find("passers");
    list.hidden = people.length === 0;
    list.replaceChildren(...people.map((one) => {
      const item = document.createElement("li");
      if (one.stopped) item.className = "stopped";
      const sign = one.fever ? "▲ " : one.stopped ? "✕ " : "✓ ";
      const name = document.createElement("strong");
      name.textContent = one.name;
      item.append(sign, name, ["", one.unit, one.permit, one.fever ? say.fever : "", one.kiosk].filter((word, n) => n === 0 || word).join(" · "));
      return item;
    }));
  }

  async function read(wanted) {
    try {
      const answer = await ask(`/board/${gate}/who`, { redirect: "manual", headers: { "x-fevergate-refresh": "1" } });
      if (mark !== wanted) return;
      if (answer.ok) return show(JSON.parse(answer.text).people);
    } catch (error) { /* asked again with the next event */ }
    if (mark === wanted) mark = "?";
  }

  function follow(now) {
    if (now === mark) return;
    mark = now;
    if (now) read(now);
    else show([]);
  }

  return { follow };
})();
