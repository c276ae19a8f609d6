package dev.millrace.spec.setting;

import dev.millrace.problem.Position;
import java.util.List;
import java.util.Locale;

/// A setting as a process uses it, and where it comes from. Contains no secret. Immutable.
///
/// @param key the path in the file, such as `source.url`, or the option or variable of the process
/// @param value [#MASKED] for what is or may contain a secret. A free text with a value of the
///   environment is as it is in the file, such as `${SOURCE_USER}`, because that value may be one
/// @param place the line of the file, or the variables whose values it contains; empty for others
public record EffectiveSetting(String key, String value, Origin origin, String place) {

    /// In place of a secret.
    public static final String MASKED = "***";

    /// Where a value comes from.
    public enum Origin {
        FILE,
        ENVIRONMENT,

        /// An option of the command.
        OPTION,
        DEFAULT;

        /// The name in JSON and for people.
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// A value of the file.
    public interface Written {

        /// With the values of the environment.
        String text();

        /// As it is in the file, if it contains a value of the environment.
        String shown();

        /// The variables whose values the text contains.
        List<String> variables();

        Position at();
    }

    /// A setting that has its default.
    public static EffectiveSetting standard(String key, String value) {
        return new EffectiveSetting(key, value, Origin.DEFAULT, "");
    }
}
