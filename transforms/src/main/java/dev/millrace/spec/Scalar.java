package dev.millrace.spec;

import java.util.function.IntFunction;

/// A value of the file, with the environment put in.
///
/// @param shown what messages may print: the text as it stands in the file, never what came from
///   the environment
/// @param comment what stands behind a plain value on its line, from the blank before `#` on; empty
///   when there is nothing
/// @param places computes where each character of `text` stands
record Scalar(
        String text,
        String shown,
        String path,
        Position at,
        String comment,
        IntFunction<SelectText> places) {

    /// Where each character of the text stands in the file.
    SelectText selectText() {
        return places.apply(text.length());
    }

    /// Prints no value: it may be a secret.
    @Override
    public String toString() {
        return path + " at " + at;
    }
}
