import os

from shop import Shop

from verify_service.client import VerifyClient

shop = Shop(VerifyClient(os.environ["VERIFY_URL"], os.environ["VERIFY_ACCESS_KEY"]))
print(shop.call_me("terminal", input("Your number: ")))
print(shop.log_in("terminal", input("The last four digits: ")))
