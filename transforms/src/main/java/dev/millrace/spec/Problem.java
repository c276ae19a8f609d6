package dev.millrace.spec;

/// One thing that is wrong with the file. Holds names and rules, never a secret and never a value
/// that came from the environment.
///
/// @param path where in the tree, `tables["crm.customer"].key[1]`; empty for the file as a whole
/// @param remedy what to do, or the nearest key ("did you mean …?"); empty when the message says it
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
