import pytest
from cryptography.exceptions import InvalidTag

from webapp.base.crypto import Vault

OLD, NEW = "old-secret-" * 4, "new-secret-" * 4


def test_what_was_encrypted_under_the_old_key_is_still_read_after_rotation():
    text = "13800138000"
    before = Vault([OLD]).encrypt(text)
    vault = Vault([NEW, OLD])
    assert vault.decrypt(before) == text
    assert not vault.is_newest(before)
    assert vault.is_newest(vault.encrypt(text))


def test_look_ups_survive_rotation():
    assert Vault([NEW, OLD]).blind_index("phone", "1") == Vault([OLD]).blind_index("phone", "1")


def test_look_ups_of_different_purposes_cannot_be_compared():
    vault = Vault([OLD])
    assert vault.blind_index("phone", "1") != vault.blind_index("code", "1")


def test_equal_texts_have_different_ciphertexts():
    vault = Vault([OLD])
    assert vault.encrypt("x") != vault.encrypt("x")


def test_a_changed_ciphertext_is_refused():
    vault = Vault([OLD])
    ciphertext = bytearray(vault.encrypt("secret"))
    ciphertext[-1] ^= 1
    with pytest.raises(InvalidTag):
        vault.decrypt(bytes(ciphertext))


def test_a_ciphertext_of_an_unknown_key_says_so():
    with pytest.raises(KeyError):
        Vault([NEW]).decrypt(Vault([OLD]).encrypt("x"))
