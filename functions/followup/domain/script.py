"""The content of conversations in one place: the texts, the questions, and what follows on an answer."""

from dataclasses import dataclass

from followup.domain.asking import Position, wording_of
from followup.domain.instruments import Instruments
from followup.domain.questions import Questions, expectation, progress
from followup.domain.reading import Expectation
from followup.domain.records import Language, Question
from followup.domain.side_effects import Windows
from followup.domain.survey import Flow
from followup.domain.wording import Texts


@dataclass(frozen=True, slots=True)
class Script:
    """What decisions about check-ins need of the content."""

    texts: Texts
    questions: Questions
    instruments: Instruments
    flow: Flow
    windows: Windows

    def asks(
        self,
        question: Question,
        among: tuple[Question, ...],
        language: Language,
        position: Position,
        **slots: str,
    ) -> str:
        """The text that asks a question of a check-in with these questions."""
        number, of = progress(among, question, self.questions)
        return wording_of(
            question,
            language,
            position,
            questions=self.questions,
            texts=self.texts,
            number=number,
            of=of,
            **slots,
        )

    def expects(self, question: Question) -> Expectation:
        """What counts as an answer to a question."""
        return expectation(question, self.questions)

    def about(self, topic: str, among: tuple[Question, ...]) -> Question | None:
        """The first of these questions that patients call by this topic."""
        return next((question for question in among if self.questions.asked(question).topic == topic), None)
