package dev.millrace.spec.queries;

import java.util.List;
import java.util.Optional;

/// A statement of the application as it reads the source, and as it will read the target.
/// Immutable.
///
/// @param name in reports; unique in the file
/// @param old SELECT for the source, with parameters `$1`, `$2`, …
/// @param next SELECT for the target, with the same parameters
/// @param parameters SELECT over the source whose rows are the parameters; empty if there are none
/// @param role whose privileges both statements have; the login's if empty
public record QueryPair(
        String name, String old, String next, Optional<String> parameters, Optional<String> role) {

    /// A pattern for names.
    public static final String NAME = "[a-zA-Z0-9._-]{1,60}";

    /// What a result belongs to: everything that the file says about the pair.
    public List<String> meaning() {
        return List.of(name, old, next, parameters.orElse(""), role.orElse(""));
    }
}
