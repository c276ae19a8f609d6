package dev.millrace.select;

import java.util.List;

/// What the parser made of a text.
public sealed interface ParseResult {

    record Parsed(SelectStatement statement) implements ParseResult {}

    /// The text is not a SELECT of this language; every problem found, in the order of the text.
    record Refused(List<SelectProblem> problems) implements ParseResult {
        public Refused {
            problems = List.copyOf(problems);
            if (problems.isEmpty()) {
                throw new IllegalArgumentException("a refusal names at least one problem");
            }
        }
    }
}
