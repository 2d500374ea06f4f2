// Open the camera, take pictures, close it. Its messages are in the page, in the user's language.

const messages = document.getElementById("camera-messages").dataset;
const box = document.getElementById("camera");
const message = document.getElementById("camera-message");
export const video = document.getElementById("video");
export const usable = Boolean(navigator.mediaDevices?.getUserMedia);

export const showMessage = (name) => { message.textContent = name ? messages[name] : ""; };

/** Open the camera, and return whether it is open; otherwise the page shows why it is not. */
export async function open() {
  box.hidden = false;
  showMessage("");
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
    showMessage(error.name === "NotFoundError" ? "missing" : "blocked");
    return false;
  }
}

export function close() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  box.hidden = true;
}

/** Return the current frame as a JPEG with a longer side of at most `side` px; null before the first frame. */
export function takePicture(side) {
  if (!video.videoWidth) return Promise.resolve(null);
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.9); });
}
