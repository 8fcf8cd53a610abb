import { flushPromises, mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Me, session as api } from "@/api";
import { i18n } from "@/i18n";
import { me } from "@/session";
import SecondFactor from "./SecondFactor.vue";

const CODES = ["AAAAA-22222", "BBBBB-33333"];

function person(enrolled: boolean): Me {
  return {
    user: { id: 1, username: "li", name: "李" },
    agencies: [],
    agency: null,
    roles: [],
    rights: [],
    department_id: null,
    locale: "en",
    csrf_token: "t",
    must_change_password: false,
    second_factor: { enrolled, proven: enrolled, demanded: false, recovery_codes_left: enrolled ? 2 : 0 },
  };
}

describe("recovery codes", () => {
  beforeEach(() => {
    i18n.global.locale.value = "en";
    vi.spyOn(api, "me").mockResolvedValue(person(true));
  });

  it("are shown once the app is confirmed, until they are put away", async () => {
    me.value = person(false);
    vi.spyOn(api, "enrol").mockResolvedValue({ secret: "S", uri: "otpauth://x", qr: "data:image/svg+xml,x" });
    vi.spyOn(api, "confirmCode").mockResolvedValue(CODES);
    const wrapper = mount(SecondFactor, { global: { plugins: [i18n] } });
    await wrapper.find("button").trigger("click");
    await wrapper.find("input").setValue("password");
    await wrapper.find("form").trigger("submit");
    await flushPromises();
    await wrapper.find("input").setValue("123456");
    await wrapper.find("form").trigger("submit");
    await flushPromises();
    expect(wrapper.findAll("li").map((one) => one.text())).toEqual(CODES);
    await wrapper.find(".codes button").trigger("click");
    expect(wrapper.findAll("li")).toEqual([]);
    expect(wrapper.text()).toContain("2 recovery codes are left");
  });

  it("are made anew with the password", async () => {
    me.value = person(true);
    const made = vi.spyOn(api, "recoveryCodes").mockResolvedValue(CODES);
    const wrapper = mount(SecondFactor, { global: { plugins: [i18n] } });
    await wrapper.find(".choices button").trigger("click");
    await wrapper.find("input").setValue("password");
    await wrapper.find("form").trigger("submit");
    await flushPromises();
    expect(made).toHaveBeenCalledWith("password");
    expect(wrapper.findAll("li").map((one) => one.text())).toEqual(CODES);
  });
});

describe("setting up", () => {
  it("can be given up, and shows the key in groups of four", async () => {
    i18n.global.locale.value = "en";
    me.value = person(false);
    vi.spyOn(api, "enrol").mockResolvedValue({ secret: "ABCDEFGHIJKLMNOP", uri: "otpauth://x", qr: "data:image/svg+xml,x" });
    const wrapper = mount(SecondFactor, { global: { plugins: [i18n] } });
    await wrapper.find("button").trigger("click");
    await wrapper.find("input").setValue("password");
    await wrapper.find("form").trigger("submit");
    await flushPromises();
    expect(wrapper.find("code").text()).toBe("ABCD EFGH IJKL MNOP");
    expect(wrapper.find("img").attributes()).toMatchObject({ src: "data:image/svg+xml,x", alt: "QR code of the key" });
    await wrapper.findAll("button").find((one) => one.text() === "Cancel")?.trigger("click");
    expect(wrapper.find("form").exists()).toBe(false);
    await wrapper.find("button").trigger("click");
    expect(wrapper.find("input").element.value).toBe("");
  });
});
