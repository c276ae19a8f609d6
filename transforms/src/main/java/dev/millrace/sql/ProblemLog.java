package dev.millrace.sql;

import dev.millrace.problem.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Collects the problems of one SELECT, each once. Not thread-safe; confined to the thread that
/// parses or compiles.
public final class ProblemLog {

    private record Located(int offset, Problem problem) {}

    private final SelectText text;
    private final List<Located> found = new ArrayList<>();

    public ProblemLog(SelectText text) {
        this.text = text;
    }

    /// @param at offset in the SELECT's text
    public void add(int at, String message, String remedy) {
        Located located = new Located(at, text.problem(at, message, remedy));
        if (!found.contains(located)) {
            found.add(located);
        }
    }

    public boolean isEmpty() {
        return found.isEmpty();
    }

    /// The problems in the order of the text.
    public List<Problem> inOrder() {
        return found.stream()
                .sorted(Comparator.comparingInt(Located::offset))
                .map(Located::problem)
                .toList();
    }
}
