// Two tones, like those of a phone, generated here, so that no file is loaded.
const TONES = [440, 480]; // hertz
const PERIOD = 3000; // milliseconds from ring to ring
const LENGTH = 1.2; // seconds
const LOUDNESS = 0.06;
let audio = null;
let timer = null;

function once() {
  audio ??= new AudioContext();
  audio.resume();
  const volume = new GainNode(audio, { gain: LOUDNESS });
  volume.connect(audio.destination);
  for (const frequency of TONES) {
    const tone = new OscillatorNode(audio, { frequency });
    tone.connect(volume);
    tone.start();
    tone.stop(audio.currentTime + LENGTH);
  }
}

// Starts or stops ringing; no effect where it already does.
export function ring(aloud) {
  if (aloud && timer === null) {
    once();
    timer = setInterval(once, PERIOD);
  } else if (!aloud && timer !== null) {
    clearInterval(timer);
    timer = null;
    audio.close();
    audio = null;
  }
}
