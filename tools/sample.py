"""sample.py: thirty plausible orders for a first look, made by the public API.

Photos are drawn here (a few shapes, written as PNG), so that no binary lies in
the repository.
"""
import json
import glob
import os
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

WIDTH, HEIGHT = 240, 180


# --- photos ----------------------------------------------------------------------

class Picture:
    """Pixels in rows of RGB bytes; shapes are filled row by row."""

    def __init__(self, top, bottom):
        self.rows = []
        for y in range(HEIGHT):
            part = y / HEIGHT
            colour = bytes(round(a + (b - a) * part)
                           for a, b in zip(top, bottom))
            self.rows.append(bytearray(colour * WIDTH))

    def span(self, y, left, right, colour):
        left, right = max(0, round(left)), min(WIDTH, round(right))
        if 0 <= y < HEIGHT and left < right:
            self.rows[y][3 * left:3 * right] = bytes(colour) * (right - left)

    def box(self, x, y, width, height, colour):
        for row in range(y, y + height):
            self.span(row, x, x + width, colour)

    def oval(self, x, y, width, height, colour):
        for row in range(y - height, y + height + 1):
            half = width * (1 - ((row - y) / height) ** 2) ** 0.5
            self.span(row, x - half, x + half, colour)

    def png(self):
        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data
                    + struct.pack(">I", zlib.crc32(kind + data)))
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + row for row in self.rows), 9)
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def mug(colour):
    picture = Picture((236, 232, 224), (196, 188, 176))
    picture.oval(120, 148, 62, 10, (164, 156, 146))
    picture.oval(164, 92, 24, 30, colour)
    picture.oval(164, 92, 13, 18, (216, 210, 200))
    picture.box(76, 48, 84, 96, colour)
    picture.oval(118, 144, 42, 8, colour)
    picture.oval(118, 48, 42, 9, (60, 42, 34))
    return picture.png()


def shoe(colour):
    picture = Picture((222, 232, 240), (180, 196, 210))
    picture.oval(116, 138, 84, 10, (150, 164, 176))
    picture.oval(150, 112, 56, 24, colour)
    picture.box(50, 76, 74, 50, colour)
    picture.oval(78, 76, 26, 8, (40, 40, 46))
    picture.box(44, 126, 162, 12, (250, 250, 250))
    for x in (110, 124, 138):
        picture.box(x, 90, 5, 18, (250, 250, 250))
    return picture.png()


def bottle(colour):
    picture = Picture((240, 236, 228), (206, 196, 180))
    picture.oval(120, 164, 36, 7, (176, 166, 150))
    picture.box(94, 70, 52, 94, colour)
    picture.oval(120, 70, 26, 22, colour)
    picture.box(111, 22, 18, 40, colour)
    picture.box(109, 16, 22, 12, (72, 56, 44))
    picture.box(94, 94, 52, 40, (250, 246, 232))
    return picture.png()


def book(colour):
    picture = Picture((228, 224, 236), (190, 184, 204))
    picture.box(76, 36, 96, 120, (150, 144, 166))
    picture.box(70, 30, 96, 120, colour)
    picture.box(70, 30, 10, 120, tuple(part // 2 for part in colour))
    picture.box(94, 52, 60, 8, (250, 248, 240))
    picture.box(94, 68, 40, 5, (250, 248, 240))
    return picture.png()


def lamp(colour):
    picture = Picture((66, 70, 88), (38, 40, 52))
    picture.oval(120, 96, 84, 66, (92, 88, 84))
    for row in range(34, 84):
        half = 22 + (row - 34) * 0.7
        picture.span(row, 120 - half, 120 + half, colour)
    picture.box(117, 84, 6, 66, (190, 180, 160))
    picture.oval(120, 152, 38, 8, (190, 180, 160))
    return picture.png()


# --- orders ----------------------------------------------------------------------
# description, customer, currency, lines (sku, name, quantity, unit price) or a
# price, statuses on the way, photo, notes

ORDERS = [
    ("Red running shoes, size 42", "Ada Moreau", "EUR",
     [("SHOE-42-R", "Running shoe", 1, "119.90")], ["confirmed", "shipped"],
     (shoe, (204, 44, 48)), "Gift wrap, please"),
    ("Six blue mugs for the office kitchen", "Jonas Lindqvist", "EUR",
     [("MUG-B", "Mug, blue", 6, "11.50")], ["confirmed"],
     (mug, (44, 92, 168)), ""),
    ("Rote Laufschuhe, Größe 38", "Zoë Müller", "EUR",
     [("SHOE-38-R", "Laufschuh", 1, "119.90"),
      ("LACE-W", "Schnürsenkel weiß", 2, "4.20")], [],
     (shoe, (196, 36, 60)), "Bitte beim Nachbarn abgeben"),
    ("Une lampe de bureau jaune", "Hélène Dupré", "EUR",
     [("LAMP-Y", "Lampe de bureau", 1, "64.00")],
     ["confirmed", "shipped", "delivered"], (lamp, (244, 200, 72)), ""),
    ("Aceite de oliva virgen extra, 5 botellas", "Íñigo Peña", "EUR",
     [("OIL-75", "Aceite 0,75 l", 5, "12.80")], ["confirmed"],
     (bottle, (92, 112, 40)), ""),
    ("陶器のマグカップ 二個", "佐藤 美咲", "JPY",
     [("MUG-K", "マグカップ", 2, "2800")], ["confirmed", "shipped"],
     (mug, (120, 76, 52)), "割れ物注意"),
    ("红色台灯一盏", "李 娜", "CNY",
     [("LAMP-R", "台灯", 1, "268.00")], [], (lamp, (224, 92, 72)), ""),
    ("Красная книга и закладка", "Анна Смирнова", "EUR",
     [("BOOK-17", "Книга", 1, "24.00"), ("MARK", "Закладка", 1, "3.50")],
     ["cancelled"], (book, (168, 40, 44)), "Передумала"),
    ("Ελαιόλαδο, τρία μπουκάλια", "Νίκος Παπαδόπουλος", "EUR",
     [("OIL-50", "Ελαιόλαδο 0,5 l", 3, "9.40")], ["confirmed"],
     (bottle, (112, 124, 52)), ""),
    ("ספר כחול וספל", "נועה לוי", "ILS",
     [("BOOK-22", "ספר", 1, "89.00"), ("MUG-W", "ספל", 1, "42.00")], [],
     (book, (40, 76, 148)), ""),
    ("مصباح مكتب أبيض", "ليلى حداد", "KWD",
     [("LAMP-W", "مصباح", 2, "18.750")], ["confirmed"],
     (lamp, (240, 240, 232)), ""),
    ("머그컵 네 개", "김 서연", "KRW",
     [("MUG-G", "머그컵", 4, "15000")], [], (mug, (60, 132, 96)), ""),
    ("Zielona książka kucharska", "Łukasz Wójcik", "PLN",
     [("BOOK-31", "Książka", 1, "79.99")],
     ["confirmed", "shipped", "delivered"], (book, (44, 120, 72)), ""),
    ("Black walking shoes, two pairs", "Priya Raman", "GBP",
     [("SHOE-40-K", "Walking shoe", 2, "89.00")], ["confirmed", "shipped"],
     (shoe, (44, 44, 50)), "Deliver to the back door"),
    ("White table lamp with a spare bulb", "Tom O'Brien", "USD",
     [("LAMP-W", "Table lamp", 1, "72.00"), ("BULB", "Bulb, E27", 1, "6.95")],
     [], (lamp, (238, 236, 226)), ""),
    ("Olive oil for the canteen, 24 bottles", "Grace Hopper", "USD",
     [("OIL-75", "Olive oil 0.75 l", 24, "11.20")], ["confirmed"],
     (bottle, (86, 108, 44)), "Monday before nine"),
    ("Two notebooks, orange", "Lars Højgaard", "DKK",
     [("BOOK-05", "Notesbog", 2, "65.00")], [], (book, (224, 120, 40)), ""),
    ("Espressotassen, grün, vier Stück", "Urs Brändli", "CHF",
     [("MUG-S-G", "Espressotasse", 4, "14.50")], ["confirmed"],
     (mug, (64, 128, 84)), ""),
    ("Engraving on a trophy", "Sofia Rossi", "EUR", "45.00", [], None,
     "Text: „Primo posto 2026“"),
    ("Repair of a desk lamp", "Mehmet Yılmaz", "TRY", "850.00",
     ["confirmed"], None, "Kablo değişecek"),
    ("Gift voucher", "Nguyễn Thị Hoa", "EUR", "50.00",
     ["confirmed", "shipped", "delivered"], None, ""),
    ("Delivery of three parcels", "Olga Kravets", "EUR", "27.60",
     ["cancelled"], None, ""),
    ("Caneca azul com nome gravado", "João Conceição", "BRL",
     [("MUG-B-N", "Caneca", 1, "59.90")], [], (mug, (52, 100, 188)),
     "Nome: Luísa"),
    ("Sapatos de corrida verdes", "Beatriz Antunes", "EUR",
     [("SHOE-39-G", "Sapato", 1, "109.00")], ["confirmed"],
     (shoe, (60, 140, 84)), ""),
    ("Returned: blue mug with a crack", "Jonas Lindqvist", "EUR",
     [("MUG-B", "Mug, blue", 1, "11.50")], [], (mug, (48, 88, 160)), ""),
    ("Doppelt bestellt: Schreibtischlampe", "Zoë Müller", "EUR",
     [("LAMP-Y", "Schreibtischlampe", 1, "64.00")], [],
     (lamp, (240, 192, 64)), ""),
    ("Old sample of olive oil", "Íñigo Peña", "EUR",
     [("OIL-10", "Aceite 0,1 l", 1, "2.90")], ["cancelled"],
     (bottle, (120, 128, 60)), ""),
    ("テスト注文 本一冊", "佐藤 美咲", "JPY",
     [("BOOK-09", "本", 1, "1980")], ["cancelled"], (book, (180, 60, 96)),
     ""),
    ("Старый заказ: туфли", "Анна Смирнова", "EUR",
     [("SHOE-37-K", "Туфли", 1, "74.50")], ["cancelled"],
     (shoe, (52, 48, 60)), ""),
    ("Quote for 200 notebooks, declined", "Lars Højgaard", "DKK",
     [("BOOK-05", "Notesbog", 200, "52.00")], ["cancelled"], None, ""),
]
DELETED = 6     # the last ones

# The same, with a photo that the recognizer looks at: one that fits, and one
# that does not and was accepted by hand.
LOOKED_AT = [
    ("Two cups of coffee for the meeting room", "Grace Hopper", "USD",
     [("COF-2", "Coffee, cup", 2, "3.40")], ["confirmed"], "coffee", ""),
    ("Mountain bike, 27 gears", "Tom O'Brien", "USD",
     [("BIKE-27", "Mountain bike", 1, "849.00")], [], "cat",
     "The photo is of the cat that comes with it"),
]
SUBSCRIBERS = ("office@example.org", "warehouse@example.org")


class Client:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def send(self, method, path, body=None, **headers):
        headers["Authorization"] = "Bearer " + self.token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        names = {name.replace("_", "-"): value
                 for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, names,
                                         method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or b"null")


def customer(name, number):
    return {"name": name, "email": f"customer{number:02}@example.org"}


def make(client, number, entry):
    description, name, currency, what, statuses, photo, notes = entry
    order = {"description": description, "customer": customer(name, number),
             "currency": currency, "notes": notes,
             "metadata": {"channel": ("shop", "phone", "web")[number % 3]}}
    if isinstance(what, str):
        order["price"] = what
    else:
        order["lines"] = [
            {"sku": sku, "name": item, "quantity": quantity,
             "unit_price": price} for sku, item, quantity, price in what]
    if photo:
        seen = client.send(
            "POST", "/api/images?description="
            + urllib.parse.quote(description),
            photo if isinstance(photo, bytes) else photo[0](photo[1]),
            Content_Type="application/octet-stream")
        order["image"] = {"receipt": seen["receipt"]}
        order["accept_mismatch"] = True
    made = client.send("POST", "/api/orders", order)
    for status in statuses:
        client.send("PATCH", "/api/orders/" + made["id"],
                    {"status": status})
    return made["id"]


def confirm(client, mail_dir, address):
    """Opts in twice, reading the mail as its reader would."""
    client.send("POST", "/api/subscriptions", {"email": address})
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for path in glob.glob(os.path.join(mail_dir, "new", "*")):
            token = confirmation_token(path, address)
            if token:
                client.send("POST", "/api/subscriptions/confirm",
                            {"token": token})
                return
        time.sleep(0.05)
    raise TimeoutError(f"the mail to {address} did not come")


def confirmation_token(path, address):
    import email
    import email.policy
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(
            file, policy=email.policy.default)
    if address not in str(mail["To"]):
        return None
    text = mail.get_body(("plain",)).get_content()
    found = re.search(r"/confirm[^\s]*[?&#]token=([A-Za-z0-9_.~-]+)", text)
    return found and found[1]


def fill(url, token, mail_dir, say, find_photo=None):
    """`find_photo` gives the bytes of a photo by name, or None."""
    client = Client(url, token)
    say("Subscribing two addresses")
    for address in SUBSCRIBERS:
        confirm(client, mail_dir, address)
    say(f"Making {len(ORDERS)} orders")
    ids = [make(client, number, entry)
           for number, entry in enumerate(ORDERS, 1)]
    say(f"Deleting {DELETED} of them")
    for order_id in ids[-DELETED:]:
        client.send("DELETE", "/api/orders/" + order_id)
    for number, entry in enumerate(LOOKED_AT if find_photo else [], 1):
        *before, name, notes = entry
        content = find_photo(name)
        if content:
            make(client, number, (*before, content, notes))
        else:
            say(f"Left out '{entry[0]}': its photo cannot be had")
    return ids
