package dev.millrace.preflight;

import java.util.ArrayList;
import java.util.List;

/// One judgement over what was gathered. Pure: asks no server, changes nothing, throws nothing over
/// what it sees. Gives at least one finding, so that a report shows what was looked at.
interface PreflightCheck {

    List<Finding> judge(Facts facts);

    /// The findings of one check while it judges: what refuses or warns, or else one line that all
    /// is well.
    static final class Findings {

        private final String check;
        private final List<Finding> found = new ArrayList<>();

        Findings(String check) {
            this.check = check;
        }

        void refuse(String object, String message, String remedy) {
            found.add(Finding.refused(check, object, message, remedy));
        }

        void misconfigured(String object, String message, String remedy) {
            found.add(Finding.misconfigured(check, object, message, remedy));
        }

        void warn(String object, String message, String remedy) {
            found.add(Finding.warning(check, object, message, remedy));
        }

        List<Finding> orOk(String object, String message) {
            return found.isEmpty()
                    ? List.of(Finding.ok(check, object, message))
                    : List.copyOf(found);
        }
    }
}
