package dev.millrace.spec.scalar;

import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.BiConsumer;

/// Collects the problems of one file. Not thread-safe; used for one file.
public final class Problems {

    private final List<Problem> found = new ArrayList<>();

    public void add(Position at, String path, String message, String remedy) {
        found.add(new Problem(at, path, message, remedy));
    }

    public void addAll(List<Problem> problems) {
        found.addAll(problems);
    }

    public void add(Scalar scalar, String message, String remedy) {
        add(scalar.at(), scalar.path(), message, remedy);
    }

    /// Takes problems of a text, each with its remedy.
    public BiConsumer<String, String> of(Scalar scalar) {
        return (message, remedy) -> add(scalar, message, remedy);
    }

    public boolean isEmpty() {
        return found.isEmpty();
    }

    public List<Problem> inFileOrder() {
        return found.stream().sorted(Comparator.comparing(Problem::at)).distinct().toList();
    }
}
