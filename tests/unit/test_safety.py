from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain.safety import Danger, level_of_mood, screen

RULES = content.load().danger

TIER_3 = (
    "I can't take it anymore, I'm going to end my life tonight",
    "just swallowed 40 tylenol",
    "I've got a rope and I know where to hang it",
    "i slit my wrist",
    "wrote my kids letters to say goodbye",
    "I'm sitting here with a gun",
    "he took a bunch of pills and won't wake up",
    "my wife tried to overdose",
    "I almost jumped off the bridge yesterday",
    "thinking about killing myself tonight, I have a plan",
    "tengo ganas de matarme",
    "me quiero matar",
    "acabo de tomarme todas mis pastillas",
    "ya escribí la carta de despedida",
    "hoy se acaba todo, adiós",
    "I'm gonna OD",
    "I'm ending my life",
    "no longer want to be here, have pills ready",
    "I'm going to kill myself",
    "im gonna kill myself tonight",
    "ima kms",
    "I took all my pills",
    "i just took a whole bottle of tylenol",
    "I tried to kill myself",
    "i overdosed last night",
    "goodbye everyone",
    "Tell my kids I love them",
    "I have a loaded gun",
    "Voy a matarme",
    "me voy a suicidar",
    "me tomé todas las pastillas",
    "Intenté suicidarme",
    "adiós para siempre",
    "tengo la pistola en la mano",
    "not suicidal but I took all my pills",
    "I'm not going to hurt anyone, I'm going to hurt myself",
    "I'm standing on the bridge",
    "I can't promise I won't kill myself",
    "No sé si voy a matarme",
    "I want to kill myself",
    "took 30 pills",
    "she is going to kill herself",
    "i cut my wrists",
    "2 years ago my son died and I want to kill myself",
    "I have the pills lined up",
    "I don't want to die but I took all my pills",
    "not gonna lie I want to kill myself",
    "years ago I tried and now I'm going to kill myself",
    "I tried to kill myself yesterday",
    "i tried to kill myself 3 days ago",
)

TIER_2 = (
    "I don't see a reason to be alive",
    "wish I'd never wake up",
    "I'd be better off dead",
    "life isn't worth living",
    "i just want to die",
    "I keep thinking about dying",
    "want to sleep forever",
    "ya no quiero estar en este mundo",
    "ojalá no despertara mañana",
    "quisiera estar muerta",
    "pienso mucho en morirme",
    "No quiero seguir viviendo así",
    "I don't wanna be alive anymore",
    "I dont want to be here anymore",
    "thoughts of harming myself again",
    "I feel like dying",
    "I want to die",
    "i wanna dieeee",
    "i dont want to live anymore",
    "I wish I was dead",
    "I'm suicidal",
    "feeling suicidle",
    "quiero morir",
    "ya no quiero vivir",
    "No, quiero morir",
    "no no quiero vivir",
    "me quiero morir",
    "everyone would be better off without me",
    "can't stop thinking about suicide",
    "I'm not ok I want to die",
    "no estoy bien quiero morir",
    "i want to end it",
    "I want to end it all",
    "never wanted to die so badly",
    "I'm thinking about killing myself",
    "tengo pensamientos suicidas",
    "pienso en la muerte",
    "estaría mejor muerta",
    "i w a n t to d i e",
    "WANT TO DIE",
    "i want to hurt myself",
    "I can't shake the thought that I'd be better off dead",
    "Not suicidal. But I do want to die.",
)

TIER_1 = (
    "everything is hopeless",
    "I'm a burden to my family",
    "what's the point of anything",
    "i cant do this anymore",
    "no suicidal thoughts today",
    "I am not suicidal just tired",
    "no thoughts of self harm",
    "I used to be suicidal but not anymore",
    "I was suicidal last year",
    "never been suicidal",
    "no pienso en suicidarme",
    "ya no tengo ganas de morir",
    "Nunca haría eso, no me voy a matar",
    "Ya no puedo",
    "I want it to stop",
    "not suicidal",
    "no longer suicidal",
    "I don't want to die",
    "no quiero morir",
    "I'm not going to kill myself",
    "I have no thoughts of suicide",
    "suicidal thoughts: none",
    "no tengo pensamientos suicidas",
    "I tried to kill myself 10 years ago",
    "hace 5 años intenté suicidarme",
    "when I was a teenager I attempted suicide",
    "I feel hopeless",
    "no puedo más",
    "ya no aguanto",
    "me rindo",
    "quiero que pare",
    "I can't go on",
    "i don't think i want to die",
    "I would never kill myself",
    "I give up on life",
    "I'm not having any suicidal thoughts",
    "no, I don't want to hurt myself",
    "I have never thought about killing myself",
    "Suicidal? No",
    "Not feeling suicidal, feeling great",
)

MEDICAL = (
    "tightness in my chest since this morning",
    "pain in my left arm and chest",
    "I passed out in the shower",
    "I'm having chest pains",
    "can't catch my breath",
    "feels like I can't breathe",
    "he's unconscious",
    "my lips are swelling up",
    "I can't move my left arm",
    "speech is slurred",
    "my husband won't wake up",
    "tengo dolor en el pecho",
    "siento presión en el pecho",
    "no me puedo despertar a mi esposo",
    "tuvo una convulsión",
    "es el peor dolor de cabeza que he tenido",
    "se me cierra la garganta",
    "I drank wine and now I'm really confused",
    "vomiting blood",
    "I took double my dose by accident",
    "chest pain",
    "my chest hurts",
    "I cant breathe",
    "having trouble breathing",
    "me cuesta respirar",
    "me duele el pecho",
    "I fainted",
    "she had a seizure",
    "my face is drooping",
    "worst headache of my life",
    "my throat is swelling",
    "can't wake him up",
    "I took too much",
    "tomé demasiado",
    "me desmayé",
    "no puedo respirar",
    "se me hinchó la cara",
    "took xanax and I'm so sleepy and confused",
    "fell and hit my head",
)

MEDICAL_SAME_DAY = (
    "I'm hearing voices",
    "haven't slept in 4 days",
    "blood in my urine",
    "he's in the hospital",
)

THREATS = (
    "I'm going to hurt my kids",
    "I feel like killing my boss",
    "voy a matarla",
    "I want to kill him",
    "las voces me dicen que lo haga",
    "voices telling me to hurt people",
    "voy a matar a mi jefe",
)

DENIED_THREATS = ("I don't want to kill him",)

ABUSE = (
    "my boyfriend choked me last night",
    "I'm afraid of my husband",
    "my husband hits me",
    "mi esposo me pega",
    "He choked me",
)

HELP = (
    "I need to talk to someone",
    "I need help",
    "help me",
    "please help",
    "ayúdame",
    "necesito ayuda",
)

EVERYDAY = (
    "I need to talk to someone about my bill",
    "I slept well, feel refreshed",
    "my head is killing me",
    "I could eat a horse",
    "I'm so tired I could sleep forever lol",
    "Went hiking, legs are dead",
    "no problem see you monday",
    "No, feeling good",
    "8, had a good day with the kids",
    "a little dizzy but fine",
    "Can I drive tomorrow?",
    "I had a glass of wine with dinner",
    "What time is my appointment?",
    "can you call me to reschedule please",
    "still nauseous and took zofran",
    "took my meds",
    "took 2 tylenol for the headache",
    "I took all day to rest",
    "me siento mucho mejor",
    "estoy cansado pero bien",
    "tengo sueño",
    "no gracias",
    "muy bien gracias a Dios",
    "todo bien hoy",
    "voy a dormir",
    "voy a tomar mi medicina",
    "me tomé una pastilla para el dolor",
    "tomé dos pastillas",
    "el tráfico me está matando",
    "watching a documentary about the war, people died",
    "my grandma died last year and I miss her",
    "it was a shot in the dark",
    "hanging out with friends",
    "finally ended my lease",
    "I want to end my subscription",
    "the pain is a 3",
    "I'm done with work for today",
    "it's not the end of the world",
    "I give up on this puzzle",
    "breathing exercises helped",
    "took a deep breath",
    "not really sure what to say",
    "my chest day at the gym was great",
    "I'm going to kill this workout",
    "killing time before dinner",
    "you guys are killing it",
    "it's urgent that I change my appointment",
    "got a new gun for hunting",
    "feeling more alive",
    "Feeling alive again!",
    "haven't been this happy in years",
    "life is worth living again",
    "I want to live",
    "quiero vivir",
    "my dog passed away",
    "need a doctor note for work",
    "I fell asleep on the couch",
    "the fire alarm was an emergency lol",
    "emergency contact is my wife",
    "no chest pain",
    "no trouble breathing",
    "this traffic is killing me",
    "dead tired",
    "me muero de risa",
    "I'm dying of laughter",
    "my phone died",
    "7",
    "10!!",
    "none",
    "no",
    "si",
    "me muero de hambre",
    "I need help with my bill",
    "can you help me reschedule",
    "dying to see you",
    "my feet are killing me",
    "the cake was to die for",
    "I almost died laughing",
    "bored to death",
    "7 thanks!",
    "my dog died last week",
    "I feel better than ever",
    "STOP",
    "please stop texting me",
    "HELP",
    "AYUDA",
    "It helped me a lot",
    "the infusions help me sleep",
    "ok bye",
    "thank you, goodbye",
    "I killed it at work today",
    "I could kill for a coffee",
    'Liked "In danger or might hurt yourself? Call 911, or call/text 988 any time."',
    "Le gustó “si está en peligro o podría hacerse daño, llame al 911”",
    "a little nauseous, headache",
    "un poco de náusea",
    "out of breath after my run",
    "cut myself shaving",
    "hurt myself at the gym",
    "stuck in traffic",
    "I'm going to bed",
    "Going to the store then will text",
    "I want to sleep",
    "do not want to wake up early lol",
    "I give up on this crossword",
)


@pytest.mark.parametrize(
    ("tier", "level", "text"),
    [
        *((3, "emergency", text) for text in TIER_3),
        *((2, "urgent", text) for text in TIER_2),
        *((1, "same_day", text) for text in TIER_1),
    ],
)
def test_given_danger_to_oneself_when_screened_then_the_tier_is_the_right_one(
    tier: int, level: Literal["emergency", "urgent", "same_day"], text: str
) -> None:
    danger = screen(text, RULES)
    assert danger is not None
    assert (danger.kind, danger.tier, danger.level) == ("self_harm", tier, level)


@pytest.mark.parametrize(
    ("kind", "level", "text"),
    [
        *(("medical", "emergency", text) for text in MEDICAL),
        *(("medical", "same_day", text) for text in MEDICAL_SAME_DAY),
        *(("others", "emergency", text) for text in THREATS),
        *(("others", "same_day", text) for text in DENIED_THREATS),
        *(("abuse", "same_day", text) for text in ABUSE),
        *(("help", "same_day", text) for text in HELP),
    ],
)
def test_given_another_danger_when_screened_then_kind_and_level_are_right_and_there_is_no_tier(
    kind: str, level: str, text: str
) -> None:
    danger = screen(text, RULES)
    assert danger is not None
    assert (danger.kind, danger.level, danger.tier) == (kind, level, None)


@pytest.mark.parametrize("text", EVERYDAY)
def test_given_an_everyday_text_or_a_figure_of_speech_when_screened_then_it_is_no_danger(text: str) -> None:
    assert screen(text, RULES) is None


@pytest.mark.parametrize(
    "text",
    [
        "I WANT TO DIE",
        "i want to d\u200bie",
        "\u202ei want to die\u202c",
        "Ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "i want to dieeeee",
        "i want to... die",
        "i want\nto die",
        "I w a n t to d i e",
        "wannadie",
        "QUIERO MORÍR",
        "kiero morir",
        "7. I want to die",
    ],
)
def test_given_an_unusual_spelling_when_screened_then_the_wish_to_die_is_seen(text: str) -> None:
    danger = screen(text, RULES)
    assert danger is not None
    assert danger.tier == 2


@pytest.mark.parametrize("text", ["Suicidal? No", "suicidal thoughts? none", "thoughts of suicide: 0"])
def test_given_a_subject_and_its_denial_when_screened_then_a_person_still_looks_the_same_day(text: str) -> None:
    danger = screen(text, RULES)
    assert danger is not None
    assert danger.tier == 1


def test_given_two_dangers_when_screened_then_the_gravest_is_named_and_self_harm_goes_first() -> None:
    assert screen("I feel hopeless. I took all my pills and have chest pain", RULES) == Danger(
        "emergency", 3, "self_harm", "self_harm_attempt"
    )


def test_given_a_reaction_with_words_of_ones_own_when_screened_then_only_those_count() -> None:
    quoting = "Emphasized “In danger or might hurt yourself? Call 911”"
    assert screen(quoting, RULES) is None
    danger = screen(quoting + " I want to die", RULES)
    assert danger is not None
    assert danger.tier == 2


@pytest.mark.parametrize("text", ["I'm driving home", "had a glass of wine", "tomé dos cervezas", "voy a manejar"])
def test_given_driving_or_drinking_when_screened_then_it_counts_only_within_a_day_of_an_infusion(text: str) -> None:
    assert screen(text, RULES) is None
    danger = screen(text, RULES, after_infusion=True)
    assert danger is not None
    assert (danger.level, danger.kind) == ("same_day", "medical")


def test_given_a_very_long_text_when_screened_then_its_beginning_and_its_end_are_read() -> None:
    filler = "nothing new here " * 5_000
    for text in (filler + "i want to die", "i want to die " + filler):
        danger = screen(text, RULES)
        assert danger is not None
        assert danger.tier == 2


def test_given_the_word_list_when_counted_then_rule_names_are_unique_and_both_languages_are_broad() -> None:
    assert len({rule.id for rule in RULES.rules}) == len(RULES.rules)
    assert sum(len(rule.phrases) for rule in RULES.rules) > 600


@given(st.text(max_size=400))
def test_given_any_text_when_screened_then_it_does_not_raise_and_names_a_rule_of_the_list(text: str) -> None:
    danger = screen(text, RULES)
    assert danger is None or danger.rule in {rule.id for rule in RULES.rules}


@given(st.sampled_from(TIER_3), st.sampled_from(EVERYDAY))
def test_given_everyday_words_around_when_screened_then_an_emergency_stays_one(danger_text: str, everyday: str) -> None:
    for text in (f"{everyday}. {danger_text}", f"{danger_text}. {everyday}"):
        danger = screen(text, RULES)
        assert danger is not None
        assert danger.level == "emergency"


@given(
    st.lists(
        st.sampled_from(["i", "want", "to", "die", "no", "not", "kill", "myself", "took", "all", "pills"]), max_size=400
    )
)
def test_given_any_order_of_loaded_words_when_screened_then_it_ends(words: list[str]) -> None:
    screen(" ".join(words), RULES)


@pytest.mark.parametrize(
    ("value", "last", "expected"),
    [
        (0, [], "same_day"),
        (1, [1, 1, 1, 1], "same_day"),
        (2, [], None),
        (2, [2, 2, 2, 2], None),
        (4, [8, 8, 8, 8], "same_day"),
        (5, [8, 8, 8, 8], None),
        (4, [8, 8, 8], None),
        (3, [9, 9, 9, 9, 5, 5, 5, 5], None),
        (3, [2, 6, 8, 9], "same_day"),
        (3, [2, 6, 7, 9], None),
        (3, [2, 6, 8, 9, 9], "same_day"),
    ],
)
def test_given_a_mood_when_judged_then_low_or_four_below_the_own_median_is_for_the_same_day(
    value: int, last: list[int], expected: str | None
) -> None:
    assert level_of_mood(value, last) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no chest pain or trouble breathing",
        "no dizziness or fainting",
        "nunca tuve mareos ni desmayos",
        "I had a seizure in 2009",
        "tuve una convulsión en 1998",
    ],
)
def test_given_medical_signs_that_are_denied_in_a_list_or_long_past_when_screened_then_there_is_none(text: str) -> None:
    assert screen(text, RULES) is None


@pytest.mark.parametrize("text", ["no nausea but trouble breathing", "No. Chest pain or pressure since noon"])
def test_given_a_medical_sign_after_a_denied_one_when_screened_then_it_counts(text: str) -> None:
    danger = screen(text, RULES)
    assert danger is not None
    assert danger.level == "emergency"
