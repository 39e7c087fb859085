"""test_orders.py: the list and one order, on a real desk."""
import csv
import urllib.parse

import pytest
from selenium.webdriver.common.keys import Keys
from support import in_parallel, maildir, png, wait_until


def test_the_fragment_signs_in_and_leaves_the_address(page):
    page.open("/")
    page.wait("tr[data-id]")
    assert page.run("return location.href") == page.url + "/"
    assert page.has('body[data-view="desk"]')


def test_a_wrong_token_is_refused_at_its_field_and_a_good_one_opens_the_page(
        page, token):
    page.may_answer = {401}
    page.open("/archive", token=None)
    page.fill("[name=token]", "om_" + "x" * 43)
    page.click("#sign-in .primary")
    page.says(".error-text", "not known")
    assert page.focused() == "token"
    page.fill("[name=token]", token)
    page.keys(Keys.ENTER)
    page.at("/archive")
    page.wait("tr[data-id]")


def test_a_token_that_is_revoked_meanwhile_leads_to_signing_in(page, desk):
    page.may_answer = {401}
    token = desk.token(scopes=("orders:read",), name="leaver")
    page.open("/", token=token)
    page.wait("tr[data-id]")
    desk.command("token", "revoke", "leaver")

    def refused():      # each responder reads the tokens now and then
        page.run("for (const name of ['archive', 'orders']) document"
                 ".querySelector(`[data-section=${name}]`).click()")
        return page.has("#sign-in")
    page.until(refused, "the question for a token")
    page.says("#sign-in", "not accepted")


def test_an_order_with_a_photo_is_created_and_says_what_the_recogniser_said(
        page, api, tmp_path):
    photo = tmp_path / "shoe.png"
    photo.write_bytes(png(120, 90))
    page.open("/orders/new")
    page.fill("[name=description]", "Red shoes for the photo test")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.says('.verdict-words[data-verdict="not_checked"]', "was not checked")
    page.fill('[name="customer.name"]', "Ada Lovelace")
    page.fill('[name="customer.email"]', "photo@example.org")
    page.click("#add-line")
    page.fill('[name="lines.0.name"]', "Shoe")
    page.fill('[name="lines.0.quantity"]', "3")
    page.fill('[name="lines.0.unit_price"]', "19,95")
    page.says("output", "59.85 EUR")
    page.click("#save")
    page.wait(".panel #delete")
    order = api.get(page.path().replace("/orders", "/api/orders")).json()
    assert order["price"] == "59.85"
    assert order["image"]["verdict"] == "not_checked"
    page.says(".panel", "Red shoes", "59.85", "was not checked")
    page.until(lambda: page.run("return document.querySelector("
                                "'.photo img').naturalWidth") == 120,
               "the photo itself")
    assert page.ids()[0] == order["id"]
    page.until(lambda: page.run("return document.querySelector("
                                "'tr[data-id] .thumb img').naturalWidth") == 120,
               "the small photo")


def test_what_is_wrong_is_said_at_its_field_with_the_focus_on_the_first(page):
    page.may_answer = {422}
    page.open("/orders/new")
    page.click("#save")
    page.says('[data-name="description"] .error-text', "Write")
    assert page.focused() == "description"
    assert page.has('[name="price"][aria-invalid]')
    page.fill("[name=description]", "What the desk itself refuses")
    page.fill('[name="customer.email"]', "no address")
    page.click("#add-line")
    page.click("#save")
    page.says('[data-name="lines.0.name"] .error-text', "Name")
    page.fill('[name="lines.0.name"]', "One")
    page.fill('[name="lines.0.quantity"]', "0")
    page.fill('[name="lines.0.unit_price"]', "1.999")
    page.click("#save")
    page.wait('[name="customer.email"][aria-invalid]')
    assert page.focused() == "customer.email"
    wrong = page.run("return [...document.querySelectorAll('[aria-invalid]')]"
                     ".map(field => field.name)")
    assert wrong == ["customer.email", "lines.0.quantity",
                     "lines.0.unit_price"]
    for name in wrong:
        assert page.text(f'[data-name="{name}"] > .error-text')
    assert not page.text(".form-problem")


def test_a_photo_that_is_none_is_refused_and_the_typed_order_stays(
        page, tmp_path):
    page.may_answer = {415, 422}
    photo = tmp_path / "shoe.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    page.open("/orders/new")
    page.fill("[name=description]", "Broken photo")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.says(".photo-now", "Send again")
    page.click("#save")
    page.says('[data-name="image"] > .error-text', "Send it again or remove it")
    page.click("#remove-photo")
    page.wait("#choose-photo")
    assert page.value("[name=description]") == "Broken photo"


def test_another_description_has_the_photo_looked_at_again(page, api, tmp_path):
    photo = tmp_path / "shoe.png"
    photo.write_bytes(png(120, 90))
    page.open("/orders/new")
    page.fill("[name=description]", "One thing")
    page.fill("[name=price]", "3")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.wait(".verdict-words")
    page.fill("[name=description]", "Another thing with the same photo")
    page.click("#save")
    page.wait(".panel .photo img")
    # After a reload the bytes are gone: it cannot be looked at again.
    page.open("/orders/new")
    page.fill("[name=description]", "A third thing")
    page.fill("[name=price]", "3")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.wait(".verdict-words")
    page.driver.refresh()
    page.fill("[name=description]", "A fourth thing")
    page.click("#save")
    page.says('[data-name="image"]', "The description changed")
    page.click("#remove-photo")
    page.click("#save")
    page.wait(".panel #delete")
    assert api.get(page.path().replace("/orders", "/api/orders")) \
        .json().get("image") is None


def test_an_invisible_character_is_refused_at_its_field(page):
    page.may_answer = {422}
    page.open("/orders/new")
    page.fill("[name=description]", "Invisible")
    page.fill("[name=price]", "5")
    page.fill('[name="customer.name"]', "Ada \u202e ecalevoL")
    page.click("#save")
    page.says('[data-name="customer.name"] .error-text', "U+202E")
    assert page.focused() == "customer.name"


def test_a_new_order_survives_a_reload_and_is_made_once(page, api):
    page.open("/orders/new")
    page.fill("[name=description]", "Survivor of a reload")
    page.fill("[name=price]", "7")
    page.driver.refresh()
    page.wait("#save")
    assert page.value("[name=description]") == "Survivor of a reload"
    # Two presses, as from an impatient hand.
    page.run("const save = document.querySelector('#save');"
             "save.click(); save.click()")
    page.wait(".panel #delete")
    found = api.get("/api/orders?q=survivor").json()["data"]
    assert [order["price"] for order in found] == ["7.00"]


def test_search_and_filters_are_in_the_address_and_survive_it(page, api):
    for number in range(3):
        api.order(description=f"Filterable lamp {number}",
                  price=f"{100 + number}.00",
                  customer={"email": "filters@example.org"})
    shipped = api.order(description="Filterable lamp shipped", price="500.00",
                        customer={"email": "filters@example.org"})
    api.patch("/api/orders/" + shipped["id"], {"status": "confirmed"})
    page.open("/")
    page.wait("tr[data-id]")
    page.fill("#q", "filterable")
    page.until(lambda: len(page.ids()) == 4, "the four that fit the search")
    page.at("/?q=filterable")
    page.click("#filter-status > summary")
    page.click("#filter-status [value=pending]")
    page.until(lambda: len(page.ids()) == 3, "the pending ones")
    page.keys(Keys.ESCAPE)
    page.click("#filter-price > summary")
    page.fill("[name=price_gte]", "100,50")
    page.keys(Keys.ENTER)
    page.until(lambda: len(page.ids()) == 2, "the dearer ones")
    page.click("#filter-customer > summary")
    page.fill("[name=customer_email]", "filters@example.org")
    page.keys(Keys.ENTER)
    page.until(lambda: "customer_email" in page.path(), "the customer")
    page.click("#filter-period > summary")
    page.click("#filter-period .presets button")
    page.until(lambda: "created_from" in page.path(), "the period")
    page.says("#filter-period", "Today")
    page.choose("#sort", "price")
    page.until(lambda: "sort=price" in page.path(), "the sort")
    page.until(lambda: len(page.ids()) == 2, "today's two")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(page.path()).query)
    assert query["status"] == ["pending"] and query["price_gte"] == ["100.50"]
    before = page.ids()
    page.driver.refresh()
    page.wait("tr[data-id]")
    assert page.ids() == before
    assert page.value("#q") == "filterable"
    page.back()
    page.until(lambda: page.ids() == before[::-1], "newest first again")
    page.fill("#q", "nothing has this name")
    page.wait(".state.empty")
    page.click(".state.empty button")
    page.at("/")


def test_yesterday_of_this_time_zone_does_not_hold_an_order_of_today(page, api):
    order = api.order(description="Made today")
    page.open("/")
    page.click("#filter-period > summary")
    page.click("#filter-period .presets button:nth-child(2)")
    page.until(lambda: "created_from" in page.path(), "the period")
    assert order["id"] not in page.ids()


def test_what_is_typed_offline_stays_and_is_saved_once_back(page, api):
    page.open("/orders/new")
    page.fill("[name=description]", "Typed under a bridge")
    page.fill("[name=price]", "4")
    page.offline(True)
    page.click("#save")
    page.says(".form-problem", "offline", "Nothing you typed is lost")
    page.says("#offline", "You are offline")
    page.offline(False)
    page.gone("#offline")
    page.click("#save")
    page.wait(".panel #delete")
    assert len(api.get("/api/orders?q=bridge").json()["data"]) == 1


def test_a_connection_lost_at_any_moment_is_said(page, api):
    order = api.order(description="Steps into a tunnel")
    page.open("/orders/" + order["id"])
    page.wait("[data-step=confirmed]")
    page.all(".panel")[0].click()
    page.until(lambda: "/toast.js" in dict(page.requests()), "the other parts")
    page.offline(True)
    page.click("[data-step=confirmed]")
    page.says('.toast[data-kind="error"]', "was not changed", "offline")
    page.click("#delete")
    page.click("#dialog-yes")
    page.says("#toasts", "was not deleted")
    page.section("archive")
    page.says("main", "No connection")
    page.offline(False)     # what failed to load is asked for again by itself
    page.wait("tr[data-id]")
    assert api.get("/api/orders/" + order["id"]).json()["status"] == "pending"


def test_signing_out_leaves_nothing_to_go_back_to(page):
    page.open("/")
    page.wait("tr[data-id]")
    page.section("archive")
    page.ids()
    page.click("#sign-out")
    page.says("#sign-in", "You are signed out")
    page.back()
    page.wait("#sign-in")
    assert not page.has("tr[data-id]")
    assert page.run("return sessionStorage.length + localStorage.length") == 0


def test_the_keys_can_be_turned_off(page):
    page.open("/")
    page.wait("tr[data-id]")
    page.keys("?")
    page.click("#keys-on")
    page.keys(Keys.ESCAPE)
    page.gone("dialog")
    page.keys("n?/")
    assert page.path() == "/" and page.focused() != "q"
    assert not page.has("dialog")


def test_load_more_appends_and_a_reload_shows_as_much(page, api):
    in_parallel(120, lambda number: api.again().order(
        description=f"One of many {number}",
        customer={"email": "many@example.org"}), 4)
    page.open("/?customer_email=many%40example.org")
    page.says("#shown", "50 shown")
    page.click("#load-more")
    page.says("#shown", "100 shown")
    assert page.run("return document.activeElement.matches("
                    "'tr:nth-child(51) a.open-order')")
    page.click("#load-more")
    page.says("#shown", "That is all: 120")
    assert not page.has("#load-more")
    ids = page.ids()
    assert len(set(ids)) == 120
    page.driver.refresh()
    page.says("#shown", "That is all: 120")
    assert page.ids() == ids


def test_j_k_and_enter_walk_the_list_and_the_focus_comes_back(page):
    page.open("/")
    page.wait("tr[data-id]")
    first, second = page.ids()[:2]
    page.keys("jjkj", Keys.ENTER)
    page.at(f"/orders/{second}")
    page.wait(".panel #delete")
    page.keys("k")
    page.at(f"/orders/{first}")
    page.keys(Keys.ESCAPE)
    page.at("/")
    page.gone(".panel")
    page.until(lambda: page.run(
        "return document.activeElement.closest('tr')?.dataset.id") == first,
        "the focus on the row")


def test_a_status_step_is_made_and_a_stale_one_is_not(page, api):
    page.may_answer = {412}
    order = api.order(description="Steps")
    page.open("/orders/" + order["id"])
    page.click("[data-step=confirmed]")
    page.wait("[data-step=shipped]")
    page.says(".toast", "Order is confirmed")
    page.says(f'tr[data-id="{order["id"]}"] .pill', "confirmed")
    api.patch("/api/orders/" + order["id"], {"notes": "changed meanwhile"})
    page.click("[data-step=shipped]")
    page.says('.toast[data-kind="warning"]', "Somebody else changed")
    page.says(".panel", "changed meanwhile")
    assert api.get("/api/orders/" + order["id"]).json()["status"] == "confirmed"
    page.click("[data-step=cancelled]")
    page.click("#dialog-yes")
    page.says(".panel-sum", "cancelled")
    page.gone("[data-step]")


def test_a_conflict_is_shown_field_by_field_and_saved_as_chosen(page, api):
    page.may_answer = {412}
    order = api.order(description="Conflict", notes="as it was",
                      customer={"name": "Ada", "email": "ada@example.org"})
    page.open("/orders/" + order["id"])
    page.click("#edit")
    page.fill("[name=description]", "Conflict, mine")
    page.fill("[name=notes]", "my notes")
    api.patch("/api/orders/" + order["id"],
              {"notes": "their notes", "customer": {"name": "Grace"}})
    page.click("#save")
    page.wait("dialog[open]")
    page.says("dialog", "their notes", "my notes", "Grace",
              "both of you changed it")
    # what only one side changed stands ready
    chosen = page.run("return [...document.querySelectorAll("
                      "'dialog :checked')].map(one => one.value)")
    assert chosen == ["mine", "theirs", "mine"]
    page.click('[name=field-2][value=theirs]')
    page.click("#save-merged")
    page.gone("dialog")
    page.says(".panel-head h2", "Conflict, mine")
    now = api.get("/api/orders/" + order["id"]).json()
    assert (now["description"], now["notes"], now["customer"]["name"]) \
        == ("Conflict, mine", "their notes", "Grace")
    assert now["customer"]["email"] == "ada@example.org"


def test_an_edit_sends_only_what_changed_and_can_empty_a_field(page, api):
    order = api.order(
        description="Edit me", notes="gone soon",
        lines=[{"sku": "A", "name": "One", "quantity": 1, "unit_price": "2.00"},
               {"name": "Two", "quantity": 2, "unit_price": "3.00"}],
        metadata={"channel": "shop", "old": "yes"})
    page.open("/orders/" + order["id"])
    page.click("#edit")
    page.fill('[name="lines.1.quantity"]', "4")
    page.fill("[name=notes]", " ")
    page.click(".pair-row:nth-child(2) button")
    page.click("#save")
    page.says(".toast", "Changes saved")
    now = api.get("/api/orders/" + order["id"]).json()
    assert now["price"] == "14.00" and now["metadata"] == {"channel": "shop"}
    assert now["notes"].strip() == "" and now["version"] == order["version"] + 1


def test_lines_can_be_taken_away_for_a_plain_price(page, api):
    order = api.order(description="Lines go", lines=[
        {"name": "One", "quantity": 1, "unit_price": "2.00"}])
    page.open(f"/orders/{order['id']}?edit=1")
    page.click('[aria-label="Remove line 1"]')
    page.fill("[name=price]", "9.5")
    page.click("#save")
    page.says(".toast", "Changes saved")
    now = api.get("/api/orders/" + order["id"]).json()
    assert now["price"] == "9.50" and not now["lines"]


def test_a_photo_is_replaced_and_taken_away(page, api, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(80, 80))
    order = api.order(description="Photo comes and goes")
    page.open(f"/orders/{order['id']}?edit=1")
    page.wait("#choose-photo")
    page.all("[name=photo]")[0].send_keys(str(photo))
    page.wait(".verdict-words")
    page.click("#save")
    page.wait(".panel .photo img")
    page.click("#edit")
    page.click("#remove-photo")
    page.click("#save")
    page.wait("#delete")
    assert api.get("/api/orders/" + order["id"]).json().get("image") is None
    assert not page.has(".panel .photo")


def test_a_deletion_is_asked_for_and_followed_until_it_is_mailed(
        page, api, desk):
    order = api.order(description="To be deleted, live")
    page.open("/orders/" + order["id"])
    page.click("#delete")
    page.says("dialog[open]", "To be deleted, live", order["id"][-8:])
    page.keys(Keys.ESCAPE)
    page.gone("dialog")
    assert page.focused() == "delete"
    page.click("#delete")
    page.click("#dialog-yes")
    page.at("/")
    page.gone(f'tr[data-id="{order["id"]}"]')
    page.says(".toast", "Order deleted", "Archived", "Mailed 2 of 2")
    assert page.run("return document.querySelectorAll("
                    "'.toast .steps .past').length") == 3
    wait_until(lambda: [mail for mail in maildir(desk)
                        if order["id"] in mail.as_string()], what="the mail")
    page.click(".toast a")
    page.at("/archive/" + order["id"])
    page.says(".panel", "Mailed 2 of 2", "ordermill restore " + order["id"])
    page.open("/orders/" + order["id"])
    page.may_answer = {410}
    page.says(".panel", "This order was deleted")


def test_an_order_changed_meanwhile_is_not_deleted_unseen(page, api):
    page.may_answer = {412}
    order = api.order(description="Changed before its deletion")
    page.open("/orders/" + order["id"])
    page.wait("#delete")
    api.patch("/api/orders/" + order["id"], {"notes": "wait, important"})
    page.click("#delete")
    page.click("#dialog-yes")
    page.says("dialog[open]", "changed meanwhile", "wait, important")
    assert api.get("/api/orders/" + order["id"]).status_code == 200
    page.click("#dialog-yes")
    page.says(".toast", "Order deleted")
    assert api.get("/api/orders/" + order["id"]).status_code == 410


def test_several_orders_are_confirmed_and_deleted_at_once(page, api):
    ids = {api.order(description="Bulk",
                     customer={"email": "bulk@example.org"})["id"]
           for _ in range(3)}
    page.open("/?customer_email=bulk%40example.org")
    assert set(page.ids()) == ids
    page.click("#select-all")
    page.choose("#bulk-status", "confirmed")
    page.says(".toast", "3 orders done")
    page.until(lambda: page.text("tr[data-id] .pill")
               == "confirmed confirmed confirmed", "the new status")
    page.click("#select-all")
    page.click("#bulk-delete")
    page.click("#dialog-yes")
    page.wait(".state.empty")
    page.says(".toast", "3 orders deleted", "Archived 3 of 3")


def test_the_csv_holds_the_whole_selection(page, api, downloads):
    rows = [api.order(description=text,
                      customer={"email": "export@example.org"})
            for text in ("=1+1", 'a "quoted", one', "größer")]
    page.open("/?customer_email=export%40example.org")
    assert len(page.ids()) == 3
    page.click("#export")
    page.says(".toast", "Export is in your downloads")
    path = page.until(lambda: next(iter(downloads.glob("orders-*.csv")), None),
                      "the file")
    with open(path, encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["id"] for row in table} == {row["id"] for row in rows}
    assert {row["description"] for row in table} \
        == {"'=1+1", 'a "quoted", one', "größer"}


def test_the_keyboard_alone_creates_and_deletes(page, api):
    page.open("/")
    page.wait("tr[data-id]")
    page.keys("n")
    page.wait("#save")
    assert page.focused() == "description"
    page.keys("By keyboard alone")
    page.tab_to("[name=price]")
    page.keys("12.50")
    page.tab_to("#save")
    page.keys(Keys.ENTER)
    page.wait(".panel #delete")
    order_id = page.path().split("/")[-1]
    assert api.get("/api/orders/" + order_id).json()["price"] == "12.50"
    page.tab_to("#delete")
    page.keys(Keys.ENTER)
    page.wait("dialog[open]")
    page.tab_to("#dialog-yes")
    page.keys(Keys.ENTER)
    page.at("/")
    page.says(".toast", "Order deleted")
    assert api.get("/api/orders/" + order_id).status_code == 410


def test_text_of_people_is_never_markup(page, api):
    order = api.order(description="<img src=x onerror=alert(1)>",
                      notes="<script>document.title = 'broken'</script>",
                      customer={"name": "<b>Bold</b>"})
    page.open("/orders/" + order["id"])
    page.says(".panel", "<img src=x onerror=alert(1)>", "<script>",
              "<b>Bold</b>")
    assert not page.has(".panel b, .panel img")


@pytest.mark.parametrize("path", ["/nowhere", "/orders/not-an-id"])
def test_a_page_that_is_none_says_so(page, path):
    page.open(path)
    page.says("main", "There is no such page")


def test_an_order_that_never_was_says_so_with_a_trace_id(page):
    page.may_answer = {404}
    page.open("/orders/01934567-89ab-7def-8123-456789abcdef")
    page.says(".panel", "Trace id")


def test_a_token_of_few_scopes_says_which_one_is_missing(page, desk, api):
    page.may_answer = {403}
    order = api.order(description="Only to be read")
    page.open("/orders/" + order["id"],
              token=desk.token(scopes=("orders:read",)))
    page.click("#delete")
    page.click("#dialog-yes")
    page.says('.toast[data-kind="error"]', "orders:delete")


def test_two_tabs_share_nothing_but_the_desk(page, api):
    page.may_answer = {412}
    order = api.order(description="Two tabs")
    path = f"/orders/{order['id']}?edit=1"
    page.open(path)
    page.fill("[name=notes]", "from the first tab")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.open(path)
    page.wait("[name=notes]")
    assert page.value("[name=notes]") == ""
    page.fill("[name=notes]", "from the second tab")
    page.click("#save")
    page.says(".toast", "Changes saved")
    page.driver.close()
    page.driver.switch_to.window(first)
    page.click("#save")
    page.says("dialog[open]", "from the first tab", "from the second tab")
    page.click("#save-merged")
    page.gone("dialog")
    page.says(".toast", "Changes saved")
    assert api.get("/api/orders/" + order["id"]).json()["notes"] \
        == "from the first tab"
