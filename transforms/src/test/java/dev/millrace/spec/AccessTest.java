package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.AccessSetting.Oidc;
import dev.millrace.spec.access.AccessSetting.Role;
import dev.millrace.spec.access.AccessSetting.Token;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccessTest {

    private static final String HASH = "0123456789abcdef".repeat(4);
    private static final String OTHER = "1".repeat(64);
    private static final String THIRD = "2".repeat(64);
    private static final String ANN = "{name: ann, role: approver, hash: sha256:" + HASH + "}";
    private static final String BOB = "{name: b.o-b_2, role: approver, hash: sha256:" + OTHER + "}";
    private static final String EVE = "{name: eve, role: viewer, hash: 'sha256:" + THIRD + "'}";
    private static final String ISSUER = "{issuer: 'https://id.example/r', audience: millrace}";

    private static AccessSetting read(String section) {
        return valid(VALID + "access: " + section + "\n", Map.of()).access();
    }

    private static String of(String token, String subject) {
        return token.replace("}", ", subject: '" + subject + "'}");
    }

    @Test
    void readsTokensAndIssuer() {
        assertThat(
                        read(
                                "{tokens: [%s, %s, %s], approvals: 2, oidc: %s}"
                                        .formatted(of(ANN, "4711"), of(BOB, "bob"), EVE, ISSUER)))
                .isEqualTo(
                        new AccessSetting(
                                List.of(
                                        new Token("ann", Role.APPROVER, HASH, Optional.of("4711")),
                                        new Token(
                                                "b.o-b_2",
                                                Role.APPROVER,
                                                OTHER,
                                                Optional.of("bob")),
                                        new Token("eve", Role.VIEWER, THIRD)),
                                2,
                                Optional.of(
                                        new Oidc("https://id.example/r", "millrace", "roles"))));
        assertThat(read("{tokens: [" + ANN + "]}").approvals()).isEqualTo(1);
        assertThat(valid(VALID, Map.of()).access()).isEqualTo(AccessSetting.NONE);
        assertThat(AccessSetting.NONE.isPresent()).isFalse();
    }

    @Test
    void anIssuerOfTheSameMachineMayDoWithoutTls() {
        String section = "{oidc: {issuer: 'http://127.0.0.1:9/x', audience: m, role-claim: a.b}}";

        assertThat(read(section).oidc()).contains(new Oidc("http://127.0.0.1:9/x", "m", "a.b"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{}                                                    | contains neither tokens nor oidc",
                "{approvals: 2}                                        | contains neither tokens nor oidc",
                "{tokens: [ANN], approvals: 2}                         | needs two approvers, but the section has 1",
                "{tokens: [ANN, EVE], approvals: 2}                    | needs two approvers, but the section has 1",
                "{tokens: [ANN, BOB], approvals: 3}                    | must be 1 or 2",
                "{tokens: [ANN], approvals: 2, oidc: ISSUER}           | needs a subject too",
                "{tokens: [SUBJECT], approvals: 2}                     | has no meaning without oidc",
                "{tokens: [BLANK], oidc: ISSUER}                       | is empty",
                "{tokens: [ANN, ANN]}                                  | is already used at",
                "{tokens: [ANN, {name: eve, role: viewer, hash: H}]}   | would be two persons",
                "{tokens: [{name: Ann, role: viewer, hash: H}]}        | is not a name",
                "{tokens: [{name: ann, role: admin, hash: H}]}         | must be viewer, operator or approver",
                "{tokens: [{name: ann, role: viewer, hash: secret}]}   | is not the hash of a token",
                "{tokens: [{name: ann, role: viewer}]}                 | hash",
                "{oidc: {issuer: 'http://id.example', audience: m}}    | use https",
                "{oidc: {issuer: 'ftp://id.example', audience: m}}     | use https",
                "{oidc: {issuer: 'https://id.example', audience: ' '}} | is empty",
                "{oidc: {issuer: 'https://id.example'}}                | audience",
                "{token: [ANN]}                                        | tokens"
            })
    void refusesByName(String section, String message) {
        String text =
                section.replace("ANN", ANN)
                        .replace("SUBJECT", of(ANN, "4711"))
                        .replace("BLANK", of(ANN, " "))
                        .replace("ISSUER", ISSUER)
                        .replace("BOB", BOB)
                        .replace("EVE", EVE)
                        .replace("hash: H", "hash: 'sha256:" + HASH + "'");

        assertThat(problems(VALID + "access: " + text + "\n"))
                .anySatisfy(problem -> assertThat(problem.toString()).contains(message));
    }

    @Test
    void readsTheFilesOfTlsFromTheFoldersOfTheFile() {
        assertThat(
                        valid(VALID + "api: {certificate: tls.crt, key: /run/tls.key}\n", Map.of())
                                .tls())
                .hasValueSatisfying(
                        tls -> {
                            assertThat(tls.certificate()).isAbsolute().hasFileName("tls.crt");
                            assertThat(tls.key()).hasToString("/run/tls.key");
                        });
        assertThat(valid(VALID, Map.of()).tls()).isEmpty();
        assertThat(problems(VALID + "api: {certificate: tls.crt}\n")).hasSize(1);
        assertThat(problems(VALID + "api: {certificate: tls.crt, key: ' '}\n"))
                .singleElement()
                .asString()
                .contains("is not the name of a file");
    }

    /// The verdicts of a migration stay valid when somebody gets a token.
    @Test
    void isNoPartOfTheMigration() {
        assertThat(valid(VALID + "access: {tokens: [" + ANN + "]}\n", Map.of()).hash())
                .isEqualTo(valid(VALID, Map.of()).hash());
    }

    @Test
    void theHashIsTheOneOfThePublishedAlgorithm() {
        assertThat(Token.hashOf("abc"))
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    @ParameterizedTest
    @CsvSource({
        "VIEWER, VIEWER, true",
        "VIEWER, OPERATOR, false",
        "VIEWER, APPROVER, false",
        "OPERATOR, VIEWER, true",
        "OPERATOR, OPERATOR, true",
        "OPERATOR, APPROVER, false",
        "APPROVER, VIEWER, true",
        "APPROVER, OPERATOR, true",
        "APPROVER, APPROVER, true"
    })
    void eachRoleIncludesTheOnesBeforeIt(Role role, Role needed, boolean included) {
        assertThat(role.includes(needed)).isEqualTo(included);
    }
}
