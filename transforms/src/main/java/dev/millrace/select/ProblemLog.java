package dev.millrace.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Gathers the problems of one SELECT text. For one thread.
final class ProblemLog {

    private final String text;
    private final List<SelectProblem> problems = new ArrayList<>();

    ProblemLog(String text) {
        this.text = text;
    }

    void add(int at, String message, String instead) {
        SelectProblem problem = SelectProblem.at(text, at, message, instead);
        if (!problems.contains(problem)) {
            problems.add(problem);
        }
    }

    boolean isEmpty() {
        return problems.isEmpty();
    }

    List<SelectProblem> inOrder() {
        return problems.stream().sorted(Comparator.comparingInt(SelectProblem::offset)).toList();
    }
}
