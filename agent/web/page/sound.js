// What is heard, where [web] sound asks for it: two tones or a sentence. Never more than is on the screen.
const TONES = { // Hz and seconds; up is yes, down is no, so that nobody has to tell pitches apart
  granted: [[660, 0.12], [880, 0.22]],
  denied: [[330, 0.2], [220, 0.35]],
  pending: [[550, 0.14]],
  taken: [[990, 0.08]],
};
let audio = null;

export function tone(name) {
  audio ??= new AudioContext();
  audio.resume();
  let at = audio.currentTime + 0.02;
  for (const [hertz, seconds] of TONES[name] ?? TONES.pending) {
    const source = audio.createOscillator();
    const volume = audio.createGain();
    source.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    source.connect(volume).connect(audio.destination);
    source.start(at);
    source.stop(at + seconds);
    at += seconds;
  }
}

export function say(words, locale) {
  const spoken = new SpeechSynthesisUtterance(words);
  spoken.lang = locale;
  speechSynthesis.cancel(); // what is new is heard at once
  speechSynthesis.speak(spoken);
}
