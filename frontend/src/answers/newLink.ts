/** A fresh link to read out: asked first, because the one before works no more, and shown once. */
import { ElMessage, ElMessageBox } from "element-plus";
import { useI18n } from "vue-i18n";
import { feedback, type Invitation } from "@/api/feedback";
import { explain } from "@/errors";
import { moment } from "@/time";

export function useNewLink(done: () => Promise<void>): (item: Invitation) => Promise<void> {
  const { t } = useI18n();

  async function isMeant(): Promise<boolean> {
    try {
      await ElMessageBox.confirm(t("feedback.newLinkConfirm"), t("feedback.newLink"), { confirmButtonText: t("feedback.newLink"), cancelButtonText: t("common.cancel") });
      return true;
    } catch (answer) {
      if (answer === "cancel" || answer === "close") return false;
      throw answer;
    }
  }

  async function show(link: string, until: string): Promise<void> {
    try {
      await ElMessageBox.alert(`${link} ${t("feedback.linkHint", { at: moment(until) })}`, t("feedback.linkTitle"), { confirmButtonText: t("common.close"), customClass: "link-box" });
    } catch (answer) {
      if (answer !== "close" && answer !== "cancel") throw answer;
    }
  }

  return async (item) => {
    if (!(await isMeant())) return;
    try {
      const made = await feedback.newLink(item.uuid);
      // An installation without a public address of its own is read at the one that is open here.
      await show(new URL(made.link, location.origin).href, made.expires_at);
      await done();
    } catch (error) {
      const said = explain(error);
      ElMessage.error({ message: [said.title, said.detail].filter(Boolean).join(" · "), duration: 8000 });
    }
  };
}
