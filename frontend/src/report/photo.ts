/** Make a photo small enough for a weak connection, on the device. */

export const LONGEST = 1920;
const QUALITY = 0.82;
/** Smaller than this is sent as it is. */
const SMALL = 400_000;

/** Give the size that fits the longest side, never larger than the photo. */
export function fitted(width: number, height: number, longest = LONGEST): { width: number; height: number } {
  const factor = Math.min(1, longest / Math.max(width, height));
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

/** Downscale to a JPEG, upright whatever way the phone was held; raise when it is no picture. */
export async function shrunk(photo: Blob): Promise<Blob> {
  const picture = await createImageBitmap(photo, { imageOrientation: "from-image" });
  try {
    const size = fitted(picture.width, picture.height);
    if (photo.size <= SMALL && size.width === picture.width && photo.type === "image/jpeg") return photo;
    const canvas = document.createElement("canvas");
    canvas.width = size.width;
    canvas.height = size.height;
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("no canvas");
    pen.drawImage(picture, 0, 0, size.width, size.height);
    const small = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, "image/jpeg", QUALITY);
    });
    if (!small) throw new Error("no picture");
    return small;
  } finally {
    picture.close();
  }
}

/** The name of a shrunk photo: what it was, as a JPEG. */
export function jpegName(name: string): string {
  return `${name.replace(/\.[^.]*$/, "") || "photo"}.jpg`;
}
