/** The number beside "my tasks", shared by the menu and the screen. */
import { shallowRef } from "vue";

export const taskCount = shallowRef(0);
