package dev.millrace.spec;

import java.util.List;

/// What reading a file comes to.
public sealed interface SpecResult {

    /// @param hash SHA-256 in hex of what the file means for the target: the migration's name and
    ///   its tables, each with its SELECT and key. Addresses, credentials, order, comments and
    ///   layout don't count, so a database that moves to another host keeps the hash.
    record Valid(MigrationSpec spec, String hash) implements SpecResult {}

    /// @param problems all that the file's form has, in the order of the file; at least one
    /// @param selects what could be read of the SELECTs all the same, so that their problems can be
    ///   told together with these
    record Invalid(List<Problem> problems, List<WrittenSelect> selects) implements SpecResult {

        public Invalid {
            problems = List.copyOf(problems);
            selects = List.copyOf(selects);
            if (problems.isEmpty()) {
                throw new IllegalArgumentException("an invalid file has a problem");
            }
        }
    }
}
