package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ClientProcessorTest {
    private final ClientProcessor client = new ClientProcessor();

    @Test
    void itIsSureAfterSoManyRequestsThatNameTheSame() {
        heard(1, ClientProcessor.SURE - 1);
        assertThat(client.look()).isEqualTo(-1);
        heard(1, 1);
        assertThat(client.look()).isZero();
    }

    @Test
    void requestsThatNameNoneChangeNothing() {
        for (int i = 0; i < ClientProcessor.SURE; i++) {
            heard(4, 1);
            heard(0, 3);
        }
        assertThat(client.look()).isEqualTo(3);
    }

    @Test
    void aClientThatGoesFromOneToAnotherIsOnNeither() {
        for (int i = 0; i < ClientProcessor.SURE; i++) {
            heard(1 + i % 2, 1);
        }
        assertThat(client.look()).isEqualTo(-1);
        heard(2, ClientProcessor.SURE);
        assertThat(client.look()).isEqualTo(1);
    }

    @Test
    void aClientThatIsQuietIsNotLookedForAgain() {
        heard(2, 10 * ClientProcessor.SURE);
        assertThat(client.look()).isEqualTo(1);
        assertThat(client.look()).isEqualTo(-1);
        heard(2, 1);
        assertThat(client.look()).isEqualTo(1);
    }

    private void heard(int numberPlusOne, int times) {
        for (int i = 0; i < times; i++) {
            client.heard(numberPlusOne);
        }
    }
}
