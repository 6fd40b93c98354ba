"""Endless small stories from a small grammar: the corpus of the demo language model.

A story picks a hero, a friend and a few props, then expands one plot. A plot is a list of
sentences in a tiny template language:

    [sad|upset]   one of the alternatives (they nest, and may be empty)
    {hero}        a slot: a character, a thing, a place, and the words that go with it
    ?...          a leading question mark: the sentence is left out half of the time

Everything is written in lower case: `polish` adds capitals and turns "a owl" into "an owl". The
grammar itself is most of this long file.

    python examples/corpus.py --count 5 --seed 1
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

GIRLS = ["Lily", "Mia", "Anna", "Rose", "Nora", "Ella"]
BOYS = ["Tom", "Ben", "Max", "Sam", "Leo", "Jack"]
HE_ANIMALS = ["dog", "fox", "bear", "mouse", "frog", "goat"]
SHE_ANIMALS = ["cat", "rabbit", "bird", "duck", "owl", "hen"]
HE_PETS = ["Milo", "Pip"]
SHE_PETS = ["Coco", "Luna"]
CHILD_LOOKS = ["little", "kind", "clever", "shy"]
ANIMAL_LOOKS = ["little", "old", "small", "kind", "clever", "shy"]

THINGS = ["ball", "kite", "hat", "book", "drum", "boat", "bell", "box", "cup", "key", "ring"]
BREAKABLE = ["kite", "drum", "boat", "bell", "box", "cup"]
THING_LOOKS = ["red", "blue", "green", "yellow", "shiny", "new"]
FOODS = ["apple", "pear", "carrot", "cake", "bun", "pie", "cookie", "plum"]
FOOD_LOOKS = ["big", "sweet", "warm", "fresh"]
PLACES = {
    "park": "in",
    "garden": "in",
    "forest": "in",
    "field": "in",
    "river": "by",
    "lake": "by",
    "pond": "by",
    "sea": "by",
    "hill": "on",
    "farm": "on",
}
SPOTS = [
    "under a bush",
    "behind a tree",
    "in the tall grass",
    "behind a big rock",
    "under an old bench",
    "next to the path",
    "behind the gate",
]
SKILLS = {"swim": "swam", "sing": "sang", "dance": "danced", "skate": "skated", "draw": "drew"}
PLANTS = ["flower", "tree", "pumpkin", "rose bush"]


@dataclass
class Character:
    """Somebody who takes part: `Lily`, `the fox`; introduced as `a shy girl named Lily`."""

    name: str
    intro: str
    first: str  # a first mention without an introduction: `Lily`, `the old fox`
    female: bool

    def __str__(self) -> str:
        return self.name

    @property
    def he(self) -> str:
        return "she" if self.female else "he"

    @property
    def him(self) -> str:
        return "her" if self.female else "him"

    @property
    def his(self) -> str:
        return "her" if self.female else "his"


@dataclass
class Prop:
    """A thing: `ball`, first seen as `a red ball`."""

    noun: str
    look: str

    def __str__(self) -> str:
        return self.noun

    @property
    def full(self) -> str:
        return f"{self.look} {self.noun}"


@dataclass
class Place:
    noun: str
    preposition: str

    def __str__(self) -> str:
        return f"the {self.noun}"

    @property
    def at(self) -> str:
        return f"{self.preposition} the {self.noun}"


OPENINGS = [
    "once upon a time, there was a {hero.intro}. one [{weather} |]{time}, {he} HOOK.",
    "once upon a time, there was a {hero.intro}. {he} lived {home}. one {time}, {hero} HOOK.",
    "once upon a time, there was a {hero.intro} who lived {home}. one {time}, {he} HOOK.",
    "once upon a time, a {hero.intro} HOOK.",
    "there once was a {hero.intro}. {he} was always [happy|busy|cheerful]. one {time}, {he} HOOK.",
    "one {weather} {time}, {hero.first} HOOK.",
    "one {time}, a {hero.intro} HOOK.",
    "it was a {weather} {time}. {hero.first} HOOK.",
    "{hero.first} HOOK.",
    "{hero.first} HOOK.",
]

# The weather and the time of day that suit a plot.
SETTINGS = {
    "rain": ("grey|cold|windy", "day|morning|afternoon"),
    "noise": ("cold|dark|quiet", "night"),
    "stuck": ("windy", "day|morning|afternoon"),
    "star": ("warm|quiet|dark", "night"),
    "snow": ("cold|bright|winter", "day|morning"),
}
ANY_SETTING = ("sunny|warm|cold|windy|bright", "day|day|morning|afternoon")

# Each plot starts with a hook, the predicate of its first sentence: "(Lily) HOOK".
PLOTS = {
    "lost": [
        "[took {his} {thing.full} to {place}|played with a {thing.full} {place.at}"
        "|went to {place} with a {thing.full}]",
        "?{he} [loved|liked] the {thing} [very much|more than anything].",
        "[but on the way home, {he} saw that the {thing} was gone"
        "|but when it was time to go home, {he} could not find the {thing}"
        "|but {he} put it down, and soon the {thing} was gone].",
        "{he} looked {spot} and {spot2}, but it was not there.",
        "?[{hero}|{he}] [was very sad|sat down and cried|began to cry].",
        '[then ||]a {friend.intro} came by and asked, "[what is wrong|why are you sad]?"',
        '"I lost my {thing}," said {hero}.',
        '"[do not worry|do not cry], I will help you," said {friend}.',
        "[they looked everywhere, and at last {friend} found the {thing} {spot3}"
        "|together they looked {spot3}, and there was the {thing}].",
        "?{hero} [was so happy that {he} gave {friend} a big hug|thanked {friend} and smiled].",
    ],
    "found": [
        "[found|saw] a {thing.full} [{place.at}|{spot}]",
        "{he} [picked it up and |][looked at it for a long time|wanted to keep it].",
        '?"[what a nice {thing}|I like this {thing}]," [said {hero}|{he} said].',
        "but {he} [knew that it was not {hers}|thought that somebody must miss it].",
        "so {he} went [to {place2}|down the path] and [met|saw] a {friend.intro}.",
        '"is this your {thing}?" asked {hero}.',
        '"yes, [I lost it [yesterday|this morning]|I looked for it all day]," said {friend}.',
        "{hero} gave the {thing} back, and {friend} was very [happy|glad].",
        "?they [took turns and |]played with the {thing} until it was dark.",
    ],
    "share": [
        "[had a {food.full} in {his} bag|sat {place.at} and ate a {food.full}"
        "|went to {place} with a {food.full}]",
        "a {friend.intro} [came by|sat down next to {him}] and looked at the {food}.",
        '"[are you hungry|would you like some]?" asked {hero}.',
        '"yes, I [did not eat this morning|have had no food all day]," said {friend}.',
        "[so {hero} cut the {food} in two and gave half to {friend}"
        "|{hero} did not have much, but {he} gave {friend} half of the {food}].",
        '{friend} [ate it all and |]said, "thank you, you are very kind."',
        "?the next day, {friend} came back with a {food2.full} for {hero}.",
    ],
    "rain": [
        "[went for a walk {place.at}|played {place.at}|walked to {place}]",
        "soon [the sky turned dark|dark clouds came], and it began to rain.",
        "?{hero} did not like the rain because {he} did not want to get wet.",
        "{he} ran to [a big tree|an old barn|a small cave] and [saw|met] a {friend.intro} there.",
        '"[come in and sit with me|there is room for two]," said {friend}.',
        "[while it rained, they told stories and sang songs"
        "|they sat close together so that they would be warm"
        "|they shared a {food} and listened to the rain].",
        "[when the rain stopped,|after a while, the rain stopped, and]"
        " there was a rainbow in the sky.",
        '?"look how pretty it is," said {hero}.',
    ],
    "noise": [
        "[was in bed and heard a strange noise|could not sleep because of a strange noise]",
        "?it came from [the door|the window|behind the house].",
        "{hero} was [scared|afraid], but {he} [took a lamp and went to look|wanted to be brave].",
        "[slowly |]{he} opened the door and saw a {friend.intro}.",
        '"[I am cold|I am lost|I am cold and hungry], [may|can] I come in?" asked {friend}.',
        '"of course," said {hero}.',
        "{he} gave {friend} [a warm blanket|some warm soup|a {food} and a blanket].",
        "?{hero} was not [scared|afraid] [anymore|of the dark anymore].",
        "soon they were both [asleep|fast asleep].",
    ],
    "stuck": [
        "[flew a {look} kite {place.at}|went to {place} to fly a {look} kite]",
        "the wind was strong, and the kite [got stuck in|flew into] a tall tree.",
        "{hero} [jumped and jumped|tried to climb the tree], but {he} was too small.",
        "{he} [asked|called] {his} friend {friend} [for help|to help {him}].",
        '"I have an idea," said {friend}.',
        "{friend.he} [found a long stick|stood on a big box|brought a ladder]"
        " and got the kite down.",
        "[the kite had a small hole, but they fixed it together"
        '|"you are so clever," said {hero}'
        "|{hero} was so happy that {he} [jumped up and down|danced]].",
        "?then they took turns and flew the kite [all day|until dinner].",
    ],
    "bake": [
        "wanted to bake a {cake} for {his} friend {friend} because it was {friend.his} birthday",
        "{he} mixed [milk, eggs and flour|flour, milk and honey] in a big bowl.",
        "then {he} put the {cake} in the oven and waited.",
        "[soon the whole house smelled good"
        "|but {he} waited too long, and the {cake} was a little burnt"
        "|when it was done, {he} put a {look} candle on top].",
        '{he} took the {cake} to {friend} and said, "happy birthday!"',
        "?{friend} [took a bite and smiled|was so happy that {friend.he} danced].",
        '"this is the best {cake} [in the world|I have ever had]," said {friend}.',
        "?they ate it together and sang a song.",
    ],
    "seed": [
        "[found a small seed {place.at}|planted a small seed in the garden]",
        '{his} friend {friend} asked, "what will it be?"',
        '"[I do not know|let us wait and see]," said {hero}.',
        "every day, {he} gave the seed some water[ and sang to it|].",
        "for a long time, nothing [grew|happened], and {hero} was [sad|worried].",
        '"[you have to wait|good things take time]," said {friend}.',
        "then, one morning, there was a [tiny |small |]green leaf.",
        "it grew and grew until it was a [big|beautiful] {plant}.",
        "?{hero} was very proud of it.",
    ],
    "broken": [
        "played with a {toy.full} that was not {hers}",
        "it belonged to {his} friend {friend}.",
        "[{he} was not careful|{he} ran too fast], and the {toy} fell and broke.",
        "{hero} was [scared|afraid] because {he} [thought that {friend} would be angry"
        "|did not know what to do].",
        "?first {he} wanted to hide the {toy} {spot}.",
        "but then {he} went to {friend} and told the truth.",
        '"[I broke your {toy}, and |]I am [so |very |]sorry," said {hero}.',
        "[{friend} was sad, but {friend.he} was not angry|{friend} thought about it and smiled].",
        '"thank you for telling me," [said {friend}|{friend.he} said].',
        "[together they fixed the {toy}, and it was as good as new"
        "|they found some glue and fixed the {toy} together].",
    ],
    "shy": [
        "[sat alone {place.at}|went to {place} alone] because {he} had no friends there",
        "{he} saw a {friend.intro} who played with a {thing.full}.",
        "{hero} wanted to play too, but {he} was too shy to ask.",
        "[after a while, |then ]{friend} [looked up|came closer] and asked,"
        ' "do you want to play with me?"',
        '"yes, [please|I would like that]," said {hero}.',
        "they played with the {thing} [all day|until the sun went down].",
        '?"[will you come back tomorrow|can we play again tomorrow]?" asked {friend}.',
        "{hero} was not [alone|lonely] anymore.",
    ],
    "hide": [
        "played hide and seek with {his} friend {friend} {place.at}",
        "{hero} closed {his} eyes and counted to ten.",
        "{friend} ran away and hid {spot}.",
        "{hero} looked {spot2}, but there was [nobody|only a {thing.full}] there.",
        '"where are you?" [called {hero}|{he} called].',
        "[then {friend} laughed, and {hero} heard {friend.him}"
        "|then {hero} saw {friend.his} feet {spot}].",
        '"I found you!" [said {hero}|shouted {hero}].',
        "?then it was {hero}'s turn to hide.",
    ],
    "learn": [
        "wanted to learn to {skill}",
        "{he} [tried and tried|tried all morning], but it was [very |too |]hard.",
        '"I will never {skill}," [said {hero}|{he} said] and [sat down|began to cry].',
        '{his} friend {friend} [heard {him}|came by] and said, "[try again|do not give up]."',
        '?"I will show you how," said {friend}.',
        "[so {hero} tried again every day|every day, they went to {place} and worked hard].",
        "[at last|one day], {hero} {skilled} [all by {him}self|very well].",
        "?{friend} clapped, and {hero} was very [proud|happy].",
    ],
    "star": [
        "could not sleep and looked out of the window",
        "[the moon was big and round|the night was quiet and dark].",
        "then a [bright |small |]star fell from the sky, and {he} made a wish.",
        '"I wish for a {thing.full}," [said {hero}|{he} said].',
        "?then {he} closed {his} eyes and had a [good|beautiful|funny] dream.",
        "in the morning, {his} friend {friend} [was at the door|came to the house].",
        '"I had a dream about you," said {hero}.',
        '{friend} laughed and said, "I had the same dream!"',
    ],
    "sick": [
        "[heard that {his} friend {friend} was sick"
        "|went to see {his} friend {friend}, who was sick]",
        "[{friend} had to stay in bed|{friend} felt very bad and could not play].",
        "{hero} was worried, so {he} [made some warm soup|picked some flowers"
        "|brought a {food.full}|brought a {thing.full}] for {friend.him}.",
        '"[this will make you feel better|I hope you feel better soon]," said {hero}.',
        "?then {he} sat by the bed and [told {friend} a story|sang a quiet song].",
        '"thank you, you are a good friend," said {friend}.',
        "[after a few days|the next week], {friend} was well again, and they [played|went to play]"
        " {place.at}.",
    ],
    "snow": [
        "woke up and saw that everything was white with snow",
        "{he} put on {his} [coat and hat|warm coat] and ran to {his} friend {friend}.",
        '"let us make a snowman," said {hero}.',
        "[they made a big ball and a small ball|they worked all morning], and {friend} found"
        " [a carrot for the nose|two stones for the eyes].",
        "?{hero} gave the snowman {his} {look} [hat|scarf].",
        "[but then the sun came out, and the snowman got smaller and smaller"
        "|when they were done, they were cold, so they went inside and drank warm milk].",
        '?"we will make a new one [tomorrow|next year]," said {friend}.',
    ],
    "map": [
        "found an old map [in a box|in a book|under the bed]",
        "{he} showed it to {his} friend {friend}.",
        '"[let us look for the treasure|it shows the way to a treasure]," said {friend}.',
        "so they walked [over the hill|past the lake|through the forest]"
        " to a [tall|very old] tree.",
        "[while {friend} held the lamp, |]{hero} dug a [big |deep |]hole and found a {look} box.",
        "[there was a {thing.full} in it|in the box, there was a {thing.full}].",
        '"[it is for both of us|let us share it]," said {hero}.',
        "?on the way home, they [laughed and sang|were tired but happy].",
    ],
    "gift": [
        "made a {toy.full} for {his} friend {friend}",
        "it took {him} [all week|three days|a long time], and {he} worked [very |]hard.",
        "?{he} put it in a {look} box.",
        '[when it was done|at last], {hero} went to {friend} and said, "this is for you."',
        '{friend} opened {friend.his} eyes wide and asked, "did you make it?"',
        '"yes, [I made it for you|because you are my best friend]," said {hero}.',
        "{friend} took the {toy} everywhere and showed it to everybody.",
    ],
    "race": [
        "wanted to have a race with {his} friend {friend}",
        '"I will [win|be the first], because I am [very |so |]fast," said {hero}.',
        "they ran [from the house|down the road] to {place}.",
        "[{hero} was [far |]ahead, but then {friend} fell"
        "|{friend} was [far |]ahead, but then {friend.he} fell] and hurt {friend.his} leg.",
        "{hero} stopped [at once|running] and [went back|ran back] to help {friend.him}.",
        '"but now you will not win," said {friend}.',
        '"[you are more important|a friend is better than a race]," said {hero}.',
        "[so they walked the rest of the way together|they finished the race side by side].",
    ],
}

CLOSINGS = [
    "",
    "",
    "",
    "from that day on, {hero} and {friend} were [good|best] friends.",
    "from that day on, they [played|met] [every day|every week].",
    "{hero} and {friend} [went home happy|were very happy].",
    "it was [a very good {time}|the best {time} of the year].",
    "{hero} [never forgot that {time}|was glad to have a friend like {friend}].",
]


def character(rng: Random, female: bool) -> Character:
    kind = rng.choice(["child", "child", "animal", "animal", "pet"])
    if kind == "child":
        name, look = rng.choice(GIRLS if female else BOYS), rng.choice(CHILD_LOOKS)
        noun = "girl" if female else "boy"
        return Character(name, f"{look} {noun} named {name}", name, female)
    animal = rng.choice(SHE_ANIMALS if female else HE_ANIMALS)
    look = rng.choice(ANIMAL_LOOKS)
    if kind == "animal":
        return Character(f"the {animal}", f"{look} {animal}", f"the {look} {animal}", female)
    name = rng.choice(SHE_PETS if female else HE_PETS)
    return Character(name, f"{look} {animal} named {name}", f"{name} the {animal}", female)


def slots(plot: str, rng: Random) -> dict[str, object]:
    """Everything a template may mention, chosen once, so that a story agrees with itself."""
    female = rng.random() < 0.5
    # The friend takes the other pronoun: "he" and "she" always tell who is meant.
    hero, friend = character(rng, female), character(rng, not female)
    while hero.name == friend.name:
        friend = character(rng, not female)
    place, place2, near = (Place(noun, PLACES[noun]) for noun in rng.sample(list(PLACES), 3))
    food, food2 = (Prop(noun, rng.choice(FOOD_LOOKS)) for noun in rng.sample(FOODS, 2))
    spot, spot2, spot3 = rng.sample(SPOTS, 3)
    skill = rng.choice(list(SKILLS))
    weather, time = SETTINGS.get(plot, ANY_SETTING)
    return {
        "hero": hero,
        "he": hero.he,
        "him": hero.him,
        "his": hero.his,
        "hers": "hers" if female else "his",
        "friend": friend,
        "place": place,
        "place2": place2,
        "home": rng.choice(["in a small house", f"near {near}", near.at]),
        "thing": Prop(rng.choice(THINGS), rng.choice(THING_LOOKS)),
        "toy": Prop(rng.choice(BREAKABLE), rng.choice(THING_LOOKS)),
        "look": rng.choice(THING_LOOKS),
        "food": food,
        "food2": food2,
        "cake": rng.choice(["cake", "pie"]),
        "spot": spot,
        "spot2": spot2,
        "spot3": spot3,
        "skill": skill,
        "skilled": SKILLS[skill],
        "plant": rng.choice(PLANTS),
        "weather": rng.choice(weather.split("|")),
        "time": rng.choice(time.split("|")),
    }


def expand(template: str, rng: Random) -> str:
    """Resolve the alternatives, the innermost first."""
    innermost = re.compile(r"\[([^\[\]]*)\]")
    while innermost.search(template):
        template = innermost.sub(lambda m: rng.choice(m[1].split("|")), template, count=1)
    return template


def polish(sentence: str) -> str:
    """Capital letters at the start, after a full stop and after an opening quote; `an` for `a`."""
    sentence = re.sub(r"\ba (?=[aeiou])", "an ", sentence)
    return re.sub(r'(^"?|[.!?] |(?<= )")([a-z])', lambda m: m[1] + m[2].upper(), sentence)


def story(rng: Random) -> str:
    plot = rng.choice(list(PLOTS))
    hook, *sentences = PLOTS[plot]
    told = [rng.choice(OPENINGS).replace("HOOK", hook)]
    for sentence in [*sentences, rng.choice(CLOSINGS)]:
        if not sentence.startswith("?") or rng.random() < 0.5:
            told.append(sentence.removeprefix("?"))
    words = slots(plot, rng)
    return " ".join(polish(expand(line, rng).format_map(words)) for line in told if line)


def stories(count: int, seed: int) -> Iterator[str]:
    rng = Random(seed)
    for _ in range(count):
        yield story(rng)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("\n\n".join(stories(arguments.count, arguments.seed)))
