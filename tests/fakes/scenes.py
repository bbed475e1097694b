"""Pictures whose number and whose order of channels can be told again after JPEG and H.264."""

import cv2
import numpy as np


def numbered(number, width=64, height=48):
    """RGB: red on the left, blue on the right, grey in the lower half: darkest for 0, by 20 lighter for each."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    image[height // 2 :] = 20 + 20 * (number % 10)
    return image


def number_of(image):
    """Return which picture this is."""
    height, width = image.shape[:2]
    grey = image[3 * height // 4 - 4 : 3 * height // 4 + 4, width // 4 : 3 * width // 4].mean()
    return round((grey - 20) / 20)


def is_rgb(image):
    """Return whether red is left and blue is right."""
    height, width = image.shape[:2]
    left, right = image[height // 4, width // 4].astype(int), image[height // 4, 3 * width // 4].astype(int)
    return left[0] - left[2] > 100 and right[2] - right[0] > 100


def write_clip(path, frames=6, fps=25.0):
    """Write a video of `numbered` pictures."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(cv2.cvtColor(numbered(number), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_folder(folder, pictures=6):
    """Write `numbered` pictures as files whose order by name is that of their numbers."""
    folder.mkdir(exist_ok=True)
    for number in range(pictures):
        cv2.imwrite(str(folder / f"{number:03}.png"), cv2.cvtColor(numbered(number), cv2.COLOR_RGB2BGR))
    return folder
