"""What a search over parameters found."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from lit_tricks.errors import UserError


@dataclass(frozen=True)
class SearchTable:
    """Every combination that a search tried, in its order.

    Attributes:
        parameters: the names of what was varied.
        scoring: the name of the score.
        folds: the number of folds the score was averaged over.
        rows: for each combination its parameters by name, then ``rank`` (1 is best, equals share one), ``mean``,
            ``std``, ``fold_1`` … and ``fit_seconds``, which is the mean over the folds.
        best: the position of the winner.
    """

    parameters: tuple[str, ...]
    scoring: str
    folds: int
    rows: tuple[Mapping[str, Any], ...]
    best: int

    @classmethod
    def of(cls, search: GridSearchCV | RandomizedSearchCV, tolerance: float = 0.0) -> "SearchTable":
        """Return the table of a fitted search of scikit-learn's that judged by one score.

        Mean scores within ``tolerance`` of each other count as equal. Raises ``UserError`` for several scores.
        """
        found, folds = search.cv_results_, int(search.n_splits_)
        if "mean_test_score" not in found:
            raise UserError(f"a search must judge by one score; received {search.scoring}: try model.scoring=accuracy")
        means = found["mean_test_score"]
        parameters = tuple(dict.fromkeys(name for tried in found["params"] for name in tried))
        rows = []
        for place, tried in enumerate(found["params"]):
            scores = {f"fold_{k + 1}": float(found[f"split{k}_test_score"][place]) for k in range(folds)}
            rows.append(
                {name: _primitive(tried.get(name)) for name in parameters}
                | {
                    "rank": 1 + int((means > means[place] + tolerance).sum()),
                    "mean": float(means[place]),
                    "std": float(found["std_test_score"][place]),
                    **scores,
                    "fit_seconds": float(found["mean_fit_time"][place]),
                }
            )
        scoring = search.scoring if isinstance(search.scoring, str) else "accuracy"
        return cls(parameters, scoring, folds, tuple(rows), int(search.best_index_))

    def to_csv(self) -> str:
        """Return the table as CSV with one line a combination; scores are named after ``scoring``."""
        scores = {"mean", "std", *(name for name in self.rows[0] if name.startswith("fold_"))}
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([f"{self.scoring}_{name}" if name in scores else name for name in self.rows[0]])
        writer.writerows(row.values() for row in self.rows)
        return buffer.getvalue()

    def facts(self) -> dict[str, Any]:
        """Return what ``results.json`` says of the search."""
        winner = self.rows[self.best]
        return {
            "best": {name: winner[name] for name in self.parameters},
            "score": winner["mean"],
            "scoring": self.scoring,
            "folds": self.folds,
            "candidates": len(self.rows),
        }


def _primitive(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
