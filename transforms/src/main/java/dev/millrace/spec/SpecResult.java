package dev.millrace.spec;

import java.util.List;

/// What reading a file comes to.
public sealed interface SpecResult {

    /// @param hash SHA-256 in hex of what the file means for the target: the migration's name and
    ///   its tables, each with its SELECT and key. Addresses, credentials, order, comments and
    ///   layout don't count, so a database that moves to another host keeps the hash.
    record Valid(MigrationSpec spec, String hash) implements SpecResult {}

    /// @param problems all of them, in the order of the file; at least one
    record Invalid(List<Problem> problems) implements SpecResult {

        public Invalid {
            problems = List.copyOf(problems);
            if (problems.isEmpty()) {
                throw new IllegalArgumentException("an invalid file has a problem");
            }
        }
    }
}
