package dev.millrace.preflight.plan;

import java.util.Locale;

/// What ends a finding. The text can be pasted into the place where it belongs: what explains it is
/// a comment there. Immutable.
///
/// @param text empty if nothing has to be done
public record Remedy(Place place, String text) {

    /// Nothing has to be done.
    public static final Remedy NONE = new Remedy(Place.NONE, "");

    /// Where the text belongs.
    public enum Place {
        NONE(""),
        /// SQL for psql on the source, as a role that may run it.
        SOURCE("On the source: "),
        /// SQL for psql on the target, as a role that may run it.
        TARGET("On the target: "),
        /// YAML for the migration file.
        FILE("In the file: "),
        /// A command for a shell.
        SHELL("Run: "),
        /// An action that no text performs: a decision, or something outside of both databases.
        OPERATOR("");

        private final String introduction;

        Place(String introduction) {
            this.introduction = introduction;
        }

        /// The name in JSON.
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public Remedy {
        if (text.isEmpty() != (place == Place.NONE)) {
            throw new IllegalArgumentException(place + " does not fit the text '" + text + "'");
        }
    }

    /// @param statements of SQL, each with its semicolon, and comments
    public static Remedy onSource(String... statements) {
        return new Remedy(Place.SOURCE, String.join(" ", statements));
    }

    /// @param statements of SQL, each with its semicolon, and comments
    public static Remedy onTarget(String... statements) {
        return new Remedy(Place.TARGET, String.join(" ", statements));
    }

    /// @param yaml as it stands in the file, and a comment
    public static Remedy inFile(String yaml) {
        return new Remedy(Place.FILE, yaml);
    }

    /// @param text of a lower layer, which ends SQL with a semicolon and begins it with its verb
    /// @param place where SQL is to be run
    public static Remedy of(Place place, String text) {
        return text.matches("(?s)(ALTER|CREATE|DROP|GRANT|REVOKE|SELECT) .*;")
                ? new Remedy(place, text)
                : byHand(text);
    }

    public static Remedy command(String command) {
        return new Remedy(Place.SHELL, command);
    }

    public static Remedy byHand(String action) {
        return new Remedy(Place.OPERATOR, action);
    }

    /// The same SQL, followed by a comment. Nothing may follow it.
    public Remedy note(String comment) {
        return new Remedy(
                place,
                switch (place) {
                    case SOURCE, TARGET -> text + " -- " + comment;
                    case FILE, SHELL -> text + " # " + comment;
                    case NONE, OPERATOR -> text + " " + comment;
                });
    }

    /// The text with the place where it belongs, for people.
    public String advice() {
        return place.introduction + text;
    }
}
