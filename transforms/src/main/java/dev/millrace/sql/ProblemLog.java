package dev.millrace.sql;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Gathers the problems of one SELECT text. For one thread.
public final class ProblemLog {

    private final String text;
    private final List<SelectProblem> problems = new ArrayList<>();

    public ProblemLog(String text) {
        this.text = text;
    }

    public void add(int at, String message, String instead) {
        SelectProblem problem = SelectProblem.at(text, at, message, instead);
        if (!problems.contains(problem)) {
            problems.add(problem);
        }
    }

    public boolean isEmpty() {
        return problems.isEmpty();
    }

    public List<SelectProblem> inOrder() {
        return problems.stream().sorted(Comparator.comparingInt(SelectProblem::offset)).toList();
    }
}
