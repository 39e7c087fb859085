#!/usr/bin/python3
"""screenshot.py: draws docs/screenshot.png, the orders of a sample desk in
headless Chromium. Run by ./dev screenshot."""
import os
import shutil
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from desk import Desk, Trouble, say
from sample import fill

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--window-size=1280,900")


def main():
    state = tempfile.mkdtemp(prefix="screenshot-")
    desk = Desk(state)
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    try:
        desk.start()
        token = desk.token()
        fill(desk.url, token, desk.mail_dir, say)
        browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"),
                                   options=options)
        try:
            browser.get(f"{desk.url}/#token={token}")
            WebDriverWait(browser, 10).until(
                lambda b: len(b.find_elements(By.CSS_SELECTOR,
                                              "tr[data-id]")) > 20)
            browser.save_screenshot(os.path.join(ROOT, "docs",
                                                 "screenshot.png"))
        finally:
            browser.quit()
    finally:
        desk.stop()
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"./dev screenshot: {trouble}")
