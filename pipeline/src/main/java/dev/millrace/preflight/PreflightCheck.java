package dev.millrace.preflight;

import java.util.List;

/// One judgement over what was gathered. Pure: asks no server, changes nothing, throws nothing over
/// what it sees. Gives at least one finding, so that a report shows what was looked at.
interface PreflightCheck {

    List<Finding> judge(Facts facts);
}
