"""page.py: drives the page in Chromium as a person would. Each step waits for what
it needs; nothing sleeps."""
import time

from selenium.common.exceptions import (
    ElementClickInterceptedException, ElementNotInteractableException,
    StaleElementReferenceException)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

WAIT_S = 10
PASSING = (ElementClickInterceptedException, ElementNotInteractableException,
           StaleElementReferenceException)


class Page:
    """One tab of a new visitor. `may_answer` are the refusals a test provokes:
    Chromium writes each 4xx to the console."""

    def __init__(self, driver, desk, token):
        self.driver, self.desk, self.token = driver, desk, token
        self.url = desk.url
        self.may_answer = set()
        self.may_fail = False

    # --- going places

    def open(self, path="/", token=...):
        """Loads a path; signed in by the fragment unless token is None."""
        token = self.token if token is ... else token
        self.driver.get(self.url + path + (f"#token={token}" if token else ""))
        self.wait("body[data-view]")

    def forget(self):
        """Leaves nothing for the next visitor."""
        if self.may_fail:
            self.offline(False)
        if self.run("return location.protocol") == "http:":
            self.run("sessionStorage.clear(); localStorage.clear()")
        self.driver.get("about:blank")
        self.driver.get_log("browser")      # of what was cut off just now

    def path(self):
        return self.run("return location.pathname + location.search")

    def at(self, path):
        self.until(lambda: self.path() == path, f"the address {path}")

    def section(self, name):
        self.click(f'#bar a[data-section="{name}"]')

    def back(self):
        self.driver.back()

    # --- looking

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, condition, what):
        end = time.monotonic() + WAIT_S
        while True:
            try:
                value = condition()
            except PASSING:
                value = None
            if value:
                return value
            assert time.monotonic() < end, \
                f"{what} did not come in {WAIT_S} s; the page at " \
                f"{self.path()} says:\n{self.text('body')[:1500]}"
            time.sleep(0.02)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def has(self, selector):
        return bool(self.all(selector))

    def wait(self, selector):
        """The first shown element of the selector."""
        return self.until(
            lambda: next((one for one in self.all(selector)
                          if one.is_displayed()), None), selector)

    def gone(self, selector):
        self.until(lambda: not any(one.is_displayed()
                                   for one in self.all(selector)),
                   f"the end of {selector}")

    def text(self, selector):
        """The text as it is read, whitespace made plain."""
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".map(node => node.innerText).join(' ')"
                        ".replace(/\\s+/g, ' ').trim()", selector)

    def says(self, selector, *parts):
        self.until(lambda: all(part in self.text(selector) for part in parts),
                   f"{selector} with {parts}")

    def value(self, selector):
        return self.run("return document.querySelector(arguments[0]).value",
                        selector)

    def focused(self):
        """The focused element as name, id or tag."""
        return self.run("const at = document.activeElement;"
                        "return at.name || at.id || at.localName")

    def ids(self):
        """The orders of the list, once it is filled."""
        self.until(lambda: not self.has("table[aria-busy], .skeleton"),
                   "the list")
        return self.run("return [...document.querySelectorAll('tr[data-id]')]"
                        ".map(row => row.dataset.id)")

    # --- doing

    def click(self, selector):
        def press():
            element = self.wait(selector)
            try:
                element.click()
            except ElementClickInterceptedException:
                # a person would scroll it out from under the bar
                self.run("arguments[0].scrollIntoView({block: 'center'})",
                         element)
                element.click()
            return True
        self.until(press, f"a click on {selector}")

    def fill(self, selector, text):
        """Types into a field, over what is there."""
        element = self.wait(selector)
        element.clear()
        element.send_keys(text)

    def date(self, selector, day):
        # the keys of a date field depend on the locale
        self.run("const [field, day] = arguments; field.value = day;"
                 "field.dispatchEvent(new Event('input', {bubbles: true}))",
                 self.wait(selector), day)

    def choose(self, selector, value):
        self.click(f'{selector} option[value="{value}"]')

    def keys(self, *keys):
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def tab_to(self, selector, most=40):
        """Presses Tab until the focus is there, as a keyboard user must."""
        from selenium.webdriver.common.keys import Keys
        for _ in range(most):
            if self.run("return document.activeElement.matches(arguments[0])",
                        selector):
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"Tab does not reach {selector}; "
                             f"it is at {self.focused()}")

    def look(self, width=1280, dark=False):
        """The window's width and the colour scheme; nothing moves, as what is on
        its way between two colours has neither's contrast."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1,
            "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"},
                         {"name": "prefers-reduced-motion",
                          "value": "reduce"}]})

    def offline(self, on):
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": on, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": -1})
        self.may_fail |= on

    # --- what Chromium noticed

    def complaints(self):
        """The console's errors and warnings, without refusals we provoked."""
        found = []
        for entry in self.driver.get_log("browser"):
            expected = entry["source"] == "network" and (
                any(f"status of {status} " in entry["message"]
                    for status in self.may_answer)
                or self.may_fail and "ERR_INTERNET_DISCONNECTED"
                in entry["message"])
            if entry["level"] in ("SEVERE", "WARNING") and not expected:
                found.append(entry["message"])
        return found

    def requests(self):
        """What this document has loaded: path and bytes on the wire."""
        return self.run("""
            return performance.getEntries()
                .filter(entry => 'transferSize' in entry)
                .map(({name, transferSize}) => [new URL(name).pathname,
                                                transferSize])""")
