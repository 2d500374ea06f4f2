// The camera of this device: opened, its pictures taken, closed. What it says to people is in the page, in their language.

const words = document.getElementById("words").dataset;
const box = document.getElementById("camera");
const said = document.getElementById("camera-said");
export const video = document.getElementById("video");
export const usable = Boolean(navigator.mediaDevices?.getUserMedia);

export const say = (name) => { said.textContent = name ? words[name] : ""; };

/** Whether it could be opened; where not, the page says why. */
export async function open() {
  box.hidden = false;
  say("");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    await video.play();
    return true;
  } catch (error) {
    close();
    box.hidden = false;
    say(error.name === "NotFoundError" ? "none" : "refused");
    return false;
  }
}

export function close() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  box.hidden = true;
}

/** What it sees now, as a JPEG whose longer side has `side` px at most; null before there is anything. */
export function picture(side) {
  if (!video.videoWidth) return Promise.resolve(null);
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.9); });
}
