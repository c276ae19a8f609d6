package dev.millrace.problem;

/// One problem of the migration file, with its position. The YAML reader, the SELECT parser, the
/// SELECT compiler and preflight all report this record. Immutable.
///
/// The texts name keys, tables, columns and rules. They never contain a secret.
///
/// @param path location in the file's tree, `tables["crm.customer"].key[1]`; empty for the file as
///   a whole
/// @param message what is wrong, and why
/// @param remedy what to do, or the nearest known name ("did you mean …?"); empty when the message
///   already says it
public record Problem(Position at, String path, String message, String remedy) {

    /// `file:line:column: path: message (remedy)`
    @Override
    public String toString() {
        return at
                + ": "
                + (path.isEmpty() ? "" : path + ": ")
                + message
                + (remedy.isEmpty() ? "" : " (" + remedy + ")");
    }
}
