package dev.millrace.preflight;

import dev.millrace.mapping.WayBack;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.List;

/// Says for each source table whether the changes of the target come back to it after a switchover.
/// Only warns: a migration may run without a switchover, and the gate of the same name refuses one
/// that could not be taken back.
final class WayBackCheck {

    private WayBackCheck() {}

    /// @param ways empty if the file has problems, so that nothing is known
    static List<Finding> judge(List<WayBack> ways) {
        if (ways.isEmpty()) {
            return List.of();
        }
        Findings findings = new Findings(CheckName.SWITCHOVER_WAY_BACK);
        for (WayBack way : ways) {
            switch (way) {
                case WayBack.Whole _ -> {}
                case WayBack.Partial(var source, String reason, String remedy) ->
                        findings.warn(
                                source.toString(),
                                "way back: partial: " + reason,
                                Remedy.of(Place.SOURCE, remedy));
            }
        }
        return findings.orOk(
                "source tables", "way back: whole: the changes of the target come back to each");
    }
}
