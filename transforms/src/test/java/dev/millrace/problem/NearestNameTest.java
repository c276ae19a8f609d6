package dev.millrace.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNameTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "emial; email, id; email",
                "nam; name, id; name",
                "name; full_name, id; full_name",
                "FullName; full_name, id; full_name",
                "data-dir; dataDir, kafka; dataDir",
                "public.user; public.users, public.orders; public.users",
                "ordres; orderz, orders; orders",
                "order; orders, order_archive; orders",
                "user_name; user, username; username",
                "amount; a, amonut; amonut",
                "usr; users, usb; usb",
                "pasword; username, password; password",
                "a; b, c; b"
            })
    void suggestsNearName(String written, String known, String meant) {
        assertThat(NearestName.of(written, List.of(known.split(", ")))).contains(meant);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "nosuchfn; lower, round",
                "max; abs",
                "tag; stage",
                "repeat; replace",
                "'_'; name",
                "shipping_address; billing_address"
            })
    void suggestsNothingWhenNoNameIsNear(String written, String known) {
        assertThat(NearestName.hint(written, List.of(known.split(", ")))).isEmpty();
    }
}
