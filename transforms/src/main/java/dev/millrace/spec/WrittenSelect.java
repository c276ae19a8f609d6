package dev.millrace.spec;

/// A SELECT as it stands in the file.
///
/// @param path of the entry it belongs to
/// @param text where its characters stand
public record WrittenSelect(String path, String select, SelectText text) {

    /// A problem at a character of the SELECT, counted from 0.
    public Problem problem(int offset, String message, String remedy) {
        return new Problem(text.at(offset), path, message, remedy);
    }
}
