package dev.millrace.spec;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Collects the problems of one reading. Used by one thread.
final class Problems {

    private final List<Problem> found = new ArrayList<>();

    void add(Position at, String path, String message, String remedy) {
        found.add(new Problem(at, path, message, remedy));
    }

    void add(Scalar scalar, String message, String remedy) {
        add(scalar.at(), scalar.path(), message, remedy);
    }

    boolean isEmpty() {
        return found.isEmpty();
    }

    List<Problem> inOrderOfTheFile() {
        return found.stream().sorted(Comparator.comparing(Problem::at)).distinct().toList();
    }
}
