"""moto_as_sns.py: moto's server, but its notifications are signed as SNS signs:
over the Subject too, and with one certificate rather than one a message.
Run by peers.py with the Python that has moto."""
import base64
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from moto.server import main
from moto.sns.models import Subscription

# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")

as_moto_does = Subscription.get_post_data
certificates = {}


def get_post_data(self, message, message_id, subject, message_attributes=None):
    data = as_moto_does(self, message, message_id, subject,
                        message_attributes)
    key = self.private_key()
    # moto makes one for each message, and keeps them all
    data["SigningCertURL"] = certificates.setdefault(key,
                                                     data["SigningCertURL"])
    text = "".join(f"{name}\n{data[name]}\n" for name in SIGNED
                   if name in data)
    data["Signature"] = base64.b64encode(key.sign(
        text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return data


Subscription.get_post_data = get_post_data
main(sys.argv[1:])
