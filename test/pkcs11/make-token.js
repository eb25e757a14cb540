const pin = '1234'

/**
 * Makes a token with a key that can neither be read nor leave, in the folder that SOFTHSM2_CONF names, and leaves the library
 * as it was before it was used.
 * @param {typeof import('pkcs11js')} pkcs11js
 * @param {string} library
 */
export function makeToken(pkcs11js, library) {
  const pkcs11 = new pkcs11js.PKCS11()
  pkcs11.load(library)
  pkcs11.C_Initialize()
  const [empty] = pkcs11.C_GetSlotList(true)
  pkcs11.C_InitToken(empty, pin, 'sealstream')
  const slot = pkcs11
    .C_GetSlotList(true)
    .find(each => pkcs11.C_GetTokenInfo(each).label.startsWith('sealstream'))
  const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
  pkcs11.C_Login(session, pkcs11js.CKU_SO, pin)
  pkcs11.C_InitPIN(session, pin)
  pkcs11.C_Logout(session)
  pkcs11.C_Login(session, pkcs11js.CKU_USER, pin)
  pkcs11.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN, parameter: null }, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_LABEL, value: 'wrapping' },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 }
  ])
  pkcs11.C_Finalize()
}
