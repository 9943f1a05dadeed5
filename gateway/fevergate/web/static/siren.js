"use strict";
/* The board's sound. A browser allows sound after one tap. Until then, and whenever the device
   silences it (a telephone call, a sleeping tablet), the page says in large letters that the sound
   is off. */
const siren = (() => {
  const TONES = {
    // Frequency (Hz), start of each beep (s), its length (s), and period of the whole (ms).
    red: { hertz: 880, beeps: [0, 0.25], length: 0.15, each: 1000 },
    elsewhere: { hertz: 587, beeps: [0, 0.3, 0.6], length: 0.2, each: 3000 },
    lost: { hertz: 294, beeps: [0], length: 0.7, each: 4000 },
  };
  const LOUD = 0.4;
  let audio = null;
  let kind = "";
  let beeping = null;

  function beep() {
    if (!audio || audio.state !== "running") return;
    const { hertz, beeps, length } = TONES[kind];
    for (const offset of beeps) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = hertz;
      volume.gain.value = LOUD;
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + offset);
      tone.stop(audio.currentTime + offset + length);
    }
  }

  function look() {
    const on = Boolean(audio) && audio.state === "running";
    find("sound").hidden = on;
    if (on) sessionStorage.setItem("sound", "on");
  }

  async function allow() {
    if (!audio) {
      audio = new AudioContext();
      audio.addEventListener("statechange", look);
    }
    await audio.resume();
    look();
    if (kind) beep();
  }

  find("sound").addEventListener("click", allow);
  // Any other tap turns the sound on again, too. If it was on before this page was loaded, the
  // browser may allow it at once.
  document.addEventListener("click", () => {
    if (audio && audio.state !== "running") allow();
  });
  document.addEventListener("visibilitychange", () => {
    if (audio && audio.state !== "running") allow();
  });
  if (sessionStorage.getItem("sound") === "on") allow();

  return {
    /* Sound one of TONES from now on, or "" for silence. */
    sound(wanted) {
      if (wanted === kind) return;
      kind = wanted;
      clearInterval(beeping);
      beeping = null;
      if (!kind) return;
      beep();
      beeping = setInterval(beep, TONES[kind].each);
    },
  };
})();
