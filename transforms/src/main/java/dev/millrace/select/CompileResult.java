package dev.millrace.select;

import java.util.List;

/// What the compiler made of a statement.
public sealed interface CompileResult {

    record Compiled(Mapping mapping) implements CompileResult {}

    /// The statement can't be a mapping between these two tables; every problem found, in the order
    /// of the text.
    record Refused(List<SelectProblem> problems) implements CompileResult {
        public Refused {
            problems = List.copyOf(problems);
            if (problems.isEmpty()) {
                throw new IllegalArgumentException("a refusal names at least one problem");
            }
        }
    }
}
