/** Record sound with the device's microphone. */
import { onBeforeUnmount, shallowRef } from "vue";

export function useRecorder() {
  const running = shallowRef(false);
  const seconds = shallowRef(0);
  let recorder: MediaRecorder | null = null;
  let parts: Blob[] = [];
  let ticking: ReturnType<typeof setInterval> | undefined;
  let finished: Promise<Blob> | null = null;

  /** Start, and stop by itself after ``most`` seconds; raise when there is no microphone or no leave to use it. */
  async function start(most: number): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const mine = new MediaRecorder(stream);
    recorder = mine;
    parts = [];
    finished = new Promise((resolve) => {
      mine.ondataavailable = (event) => parts.push(event.data);
      mine.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        resolve(new Blob(parts, { type: mine.mimeType.split(";")[0] ?? "audio/webm" }));
      };
    });
    mine.start();
    running.value = true;
    seconds.value = 0;
    ticking = setInterval(() => {
      seconds.value += 1;
      if (seconds.value >= most && mine.state === "recording") mine.stop();
    }, 1000);
  }

  async function stop(): Promise<Blob> {
    clearInterval(ticking);
    if (!recorder || !finished) throw new Error("not recording");
    if (recorder.state !== "inactive") recorder.stop();
    const sound = await finished;
    running.value = false;
    recorder = null;
    return sound;
  }

  onBeforeUnmount(() => {
    clearInterval(ticking);
    if (recorder && recorder.state !== "inactive") recorder.stop();
  });

  return { running, seconds, start, stop };
}
