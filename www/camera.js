// camera.js: takes one photo with the device's camera.
import { h } from '/app.js';
import { openDialog } from '/dialog.js';
import { toast } from '/toast.js';

/** Gives a JPEG file, or null when the person thought better of it. */
export async function takePhoto() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } });
  } catch {
    toast('The camera cannot be used here. Choose a photo instead.', { kind: 'warning' });
    return null;
  }
  const video = h('video', { autoplay: true, playsinline: true, muted: true, 'aria-label': 'Camera picture', srcObject: stream });
  const canvas = h('canvas');
  const { closed } = openDialog({ title: 'Take a photo', wide: true, content: video,
    actions: [{ text: 'Cancel', value: '' }, { text: 'Take photo', value: 'take', kind: 'primary' }] });
  const choice = await closed;
  if (choice === 'take' && video.videoWidth) {
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext('2d').drawImage(video, 0, 0);
  }
  for (const track of stream.getTracks()) track.stop();
  if (choice !== 'take' || !video.videoWidth) return null;
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
  return new File([blob], 'photo.jpg', { type: 'image/jpeg' });
}
