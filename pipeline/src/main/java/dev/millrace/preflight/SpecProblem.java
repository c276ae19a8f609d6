package dev.millrace.preflight;

import dev.millrace.spec.Position;
import dev.millrace.spec.Problem;

/// A place of the file that the databases don't bear out.
record SpecProblem(Position at, Problem problem) {

    SpecProblem(Problem problem) {
        this(problem.at(), problem);
    }

    Finding finding() {
        return Finding.misconfigured(
                "mapping",
                at.toString(),
                (problem.path().isEmpty() ? "" : problem.path() + ": ") + problem.message(),
                problem.remedy());
    }
}
