"""What Fernhill says and hears. Plain sentences, put together by chance but readable."""

from random import Random

OPENINGS = [
    "New in the workshop:",
    "Back by request:",
    "You asked, so we built it:",
    "From this Monday:",
    "A small thing we are proud of:",
    "Behind the scenes:",
    "For the first cold days:",
    "Before you travel:",
]
SUBJECTS = [
    "a rain jacket made from last year’s tents",
    "free repairs for every backpack, whatever its age",
    "the winter boots, now in half sizes",
    "opening hours over the holidays",
    "a trail map drawn by our own staff",
    "lighter poles, same warranty",
    "the children’s sleeping bag, one season later",
    "how we test a zip ten thousand times",
    "what changes in delivery on 1 December",
    "three jobs in our repair shop",
]
ENDINGS = [
    "Tell us what you think.",
    "Details in the shop near you.",
    "Questions? We answer until 20:00.",
    "It took us two years.",
    "Made to be mended.",
    "Ask us anything.",
]
ASKS = [
    "My parcel says delivered, but nothing came. Order 48{n}.",
    "Do you ship to the islands?",
    "The zip on my jacket broke after two weeks. What now?",
    "Which size for 182 cm?",
    "I was charged twice for order 51{n}.",
    "Is the repair shop open on Saturday?",
    "Love the new colours. When are they in store?",
    "Your app logs me out every day.",
    "Can I change the address of order 77{n}?",
    "The boots are great, thank you!",
    "Still waiting for an answer, third day now.",
    "Are the poles safe for children?",
]
ANSWERS = [
    "Thank you for telling us. Could you send us the order number in a direct message?",
    "Sorry about that. We have asked the carrier and will be back today.",
    "Yes, and delivery takes two days longer there.",
    "Bring it to any shop, or send it in: the repair is free.",
    "Glad to hear it!",
    "We have passed this on to the team that can mend it.",
]
CUSTOMERS_FIRST = ["marie", "lukas", "sofia", "ben", "yuki", "omar", "elena", "jack", "ida", "tom", "nina", "paul"]
CUSTOMERS_LAST = [
    "colas",
    "b",
    "runs",
    "outdoors",
    "k",
    "in-berlin",
    "hikes",
    "2049",
    "and-dog",
    "travels",
    "m",
    "reads",
]


def post(random: Random) -> tuple[str, str]:
    """A title and the text."""
    subject = random.choice(SUBJECTS)
    title = subject[0].upper() + subject[1:]
    return title, f"{random.choice(OPENINGS)} {subject}. {random.choice(ENDINGS)}"


def ask(random: Random) -> str:
    return random.choice(ASKS).format(n=random.randint(100, 999))


def answer(random: Random) -> str:
    return random.choice(ANSWERS)


def customer(random: Random) -> str:
    return f"{random.choice(CUSTOMERS_FIRST)}.{random.choice(CUSTOMERS_LAST)}"
