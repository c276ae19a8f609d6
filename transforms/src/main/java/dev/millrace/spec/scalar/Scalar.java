package dev.millrace.spec.scalar;

import dev.millrace.problem.Position;
import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.sql.SelectText;
import java.util.List;

/// A value of the file, after environment substitution. Immutable.
///
/// @param shown the text that messages may print: as it is in the file, never a value from the
///   environment
/// @param comment the text after a plain value on its line, starting at the blank before `#`; empty
///   when there is none
/// @param variables of the environment whose values the text contains
/// @param positions computes the position in the file of each character of `text`
public record Scalar(
        String text,
        String shown,
        String path,
        Position at,
        String comment,
        List<String> variables,
        Positions positions)
        implements EffectiveSetting.Written {

    /// Locates the characters of a text in the file.
    public interface Positions {
        SelectText of(String entry, String text);
    }

    /// The text with the position of each of its characters.
    ///
    /// @param entry path of the table's entry
    public SelectText selectText(String entry) {
        SelectText located = positions.of(entry, text);
        return variables.isEmpty() ? located : located.shownAs(shown);
    }

    /// The same place of the file with another text, for a value with a short form.
    public Scalar withText(String longForm) {
        return new Scalar(longForm, shown, path, at, comment, variables, positions);
    }

    /// Prints no value, because it may be a secret.
    @Override
    public String toString() {
        return path + " at " + at;
    }
}
