package dev.millrace.spec.access;

import dev.millrace.problem.Position;
import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Binds `access` and checks it.
public record AccessForm(
        @Setting(
                        value =
                                "The tokens that the service accepts, one for each person or program.",
                        kind = "a list of mappings with name, role, hash and subject")
                @Nullable List<TokenForm> tokens,
        @Setting(
                        value =
                                "How many approvers switchover, rollback, complete and abort need."
                                        + " With 2, a request waits until another approver has"
                                        + " approved it.",
                        range = {1, AccessForm.MOST_APPROVALS},
                        standard = "1",
                        kind = "a number",
                        examples = "2")
                @Nullable Scalar approvals,
        @Setting(
                        value = "An OpenID Connect issuer whose tokens are accepted too.",
                        kind = "a mapping with issuer, audience and role-claim")
                @Nullable OidcForm oidc) {

    static final int MOST_APPROVALS = 2;
    static final String ROLE = "(viewer|operator|approver)";
    static final String HASH = "sha256:[0-9a-f]{64}";
    static final String STANDARD_CLAIM = "roles";

    private static final int PREFIX = "sha256:".length();

    /// One token.
    public record TokenForm(
            @Setting(
                            value = "Who has the token. The journal has this name.",
                            required = true,
                            pattern = Token.NAME,
                            examples = "ann")
                    @Nullable Scalar name,
            @Setting(
                            value =
                                    "viewer: may read. operator: may also change the flow, compare,"
                                            + " repair, and try every change with a dry run."
                                            + " approver: may also move the traffic and end the"
                                            + " migration.",
                            required = true,
                            pattern = AccessForm.ROLE,
                            examples = "operator")
                    @Nullable Scalar role,
            @Setting(
                            value = "The token's hash, as 'millrace token' prints it.",
                            required = true,
                            pattern = AccessForm.HASH,
                            secret = true)
                    @Nullable Scalar hash,
            @Setting(
                            value =
                                    "The same person's subject (claim sub) in the tokens of the"
                                            + " issuer, so that one person is not two approvers. A"
                                            + " program, or a person whom the issuer does not know,"
                                            + " has its own name.",
                            examples = "4711")
                    @Nullable Scalar subject) {}

    /// An issuer.
    public record OidcForm(
            @Setting(
                            value =
                                    "The issuer's URL. Its keys are found at"
                                            + " /.well-known/openid-configuration below it.",
                            required = true,
                            pattern = "https?://.+",
                            examples = "https://id.example.org/realms/ops")
                    @Nullable Scalar issuer,
            @Setting(
                            value = "What a token must be issued for (claim aud).",
                            required = true,
                            examples = "millrace")
                    @Nullable Scalar audience,
            @Setting(
                            value =
                                    "The claim with the role, or with a list that contains one:"
                                            + " viewer, operator or approver. A dot leads into a"
                                            + " nested claim.",
                            standard = AccessForm.STANDARD_CLAIM,
                            examples = "realm_access.roles")
                    @Nullable Scalar roleClaim) {}

    /// @param form `null` if the key is absent
    /// @param start of the file
    public static AccessSetting check(
            @Nullable AccessForm form, Position start, Problems problems) {
        if (form == null) {
            return AccessSetting.NONE;
        }
        if ((form.tokens == null || form.tokens.isEmpty()) && form.oidc == null) {
            problems.add(
                    start,
                    "access",
                    "contains neither tokens nor oidc",
                    "add tokens, each made with 'millrace token', or oidc");
        }
        List<Token> tokens = new ArrayList<>();
        Map<String, Scalar> names = new HashMap<>();
        Map<String, Scalar> hashes = new HashMap<>();
        for (TokenForm each : form.tokens == null ? List.<TokenForm>of() : form.tokens) {
            token(each, names, hashes, problems).ifPresent(tokens::add);
        }
        Optional<Oidc> oidc = Optional.ofNullable(form.oidc).flatMap(each -> oidc(each, problems));
        subjects(form, problems);
        return new AccessSetting(tokens, approvals(form, tokens, problems), oidc);
    }

    private static Optional<Token> token(
            TokenForm form,
            Map<String, Scalar> names,
            Map<String, Scalar> hashes,
            Problems problems) {
        if (form.name == null || form.role == null || form.hash == null) {
            return Optional.empty();
        }
        Scalar first = names.putIfAbsent(form.name.text(), form.name);
        if (first != null) {
            problems.add(form.name, "is already used at " + first.at(), "use another name");
        }
        Scalar same = hashes.putIfAbsent(form.hash.text(), form.hash);
        if (same != null) {
            problems.add(
                    form.hash,
                    "is the hash of the token at "
                            + same.at()
                            + ", whose holder would be two persons",
                    "make another token with 'millrace token'");
        }
        if (!form.name.text().matches(Token.NAME)) {
            problems.add(
                    form.name,
                    "is not a name",
                    "use a lower-case letter, then at most 39 of a-z, 0-9, '.', '_' and '-'");
        }
        Optional<Role> role = Role.of(form.role.text());
        if (role.isEmpty()) {
            problems.add(form.role, "must be viewer, operator or approver", "");
        }
        if (!form.hash.text().matches(HASH)) {
            problems.add(
                    form.hash,
                    "is not the hash of a token: 'sha256:' and 64 hexadecimal digits",
                    "make a token with 'millrace token', and paste the line that it prints");
        }
        return role.filter(_ -> form.hash.text().matches(HASH))
                .map(
                        known ->
                                new Token(
                                        form.name.text(),
                                        known,
                                        form.hash.text().substring(PREFIX),
                                        Optional.ofNullable(form.subject).map(Scalar::text)));
    }

    /// A person with a token of both kinds would be two approvers.
    private static void subjects(AccessForm form, Problems problems) {
        boolean needed =
                form.oidc != null && form.approvals != null && form.approvals.text().equals("2");
        for (TokenForm each : form.tokens == null ? List.<TokenForm>of() : form.tokens) {
            if (each.subject != null && form.oidc == null) {
                problems.add(each.subject, "has no meaning without oidc", "remove it, or add oidc");
            } else if (each.subject != null && each.subject.text().isBlank()) {
                problems.add(each.subject, "is empty", "use the claim sub of the person's tokens");
            } else if (each.subject == null
                    && needed
                    && each.role != null
                    && each.role.text().equals(Role.APPROVER.id())) {
                problems.add(
                        each.role,
                        "needs a subject too: with oidc, this person could be a second approver"
                                + " with a token of the issuer",
                        "add subject, the claim sub of the same person; for a person whom the"
                                + " issuer does not know, its name");
            }
        }
    }

    private static Optional<Oidc> oidc(OidcForm form, Problems problems) {
        if (form.issuer == null || form.audience == null) {
            return Optional.empty();
        }
        if (!isIssuer(form.issuer.text())) {
            problems.add(
                    form.issuer,
                    "is not the URL of an issuer that can be trusted",
                    "use https; http is allowed for a loopback address only");
        }
        if (form.audience.text().isBlank()) {
            problems.add(form.audience, "is empty", "name what the tokens are issued for");
        }
        return Optional.of(
                new Oidc(
                        form.issuer.text(),
                        form.audience.text(),
                        form.roleClaim == null ? STANDARD_CLAIM : form.roleClaim.text()));
    }

    /// A person who could change the answers of the issuer could make every token valid.
    private static boolean isIssuer(String text) {
        try {
            URI issuer = URI.create(text);
            return issuer.getHost() != null
                    && ("https".equals(issuer.getScheme())
                            || "http".equals(issuer.getScheme())
                                    && issuer.getHost()
                                            .matches("localhost|127(\\.\\d{1,3}){3}|\\[::1]"));
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private static int approvals(AccessForm form, List<Token> tokens, Problems problems) {
        int approvals = form.approvals != null && form.approvals.text().equals("2") ? 2 : 1;
        if (form.approvals != null && !form.approvals.text().matches("[12]")) {
            problems.add(form.approvals, "must be 1 or 2", "");
        }
        long approvers = tokens.stream().filter(token -> token.role() == Role.APPROVER).count();
        if (form.approvals != null && approvals == 2 && form.oidc == null && approvers < 2) {
            problems.add(
                    form.approvals,
                    "needs two approvers, but the section has " + approvers,
                    "give two tokens the role approver, or set it to 1");
        }
        return approvals;
    }
}
